# build/moonshot.efi: the UEFI application, linked to PE by GNU ld.

# What ./moonshot debug gives gdb: a connection to the guest and a few words of our own.
set pagination off
set confirm off
set print pretty on
set disassembly-flavor intel
target remote :1234

define panic-here
	hbreak panic
	hbreak assert_failed
	continue
end
document panic-here
Run on until the kernel panics, and stop there.
end

define kernel-offset
	eval "symbol-file -o %ld %s", $arg0, $symbols
end
document kernel-offset
kernel-offset NUMBER: the symbols of a kernel that was moved so far. It says so when it panics
("Kernel Offset: NUMBER from ..."); one that was started for a debugger is not moved (nokaslr).
end

# What is compiled from Debian source packages. $(thirdparty-objects) lists the objects.
thirdparty-objects :=

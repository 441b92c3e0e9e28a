# What is generated before anything is compiled. $(generated) lists the files.
generated :=

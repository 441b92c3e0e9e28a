"""What the tools and the tests share: images, virtual machines, consoles, results.

paths    where things are
cpio     an initramfs, written without root rights
initramfs what every one of ours holds
esp      an EFI system partition, written without root rights
qemu     a machine to start, and a running guest to expect things of
screen   a guest's screen, read back by its font, and its keyboard
console  a shell in a guest: send a command, get its output and exit status
result   test cases and the count at the end
schedule jobs run side by side, each with a time limit
oracle   Debian's Linux kernel, unpacked, the measure of all behaviour
compare  programs run on Linux and on our kernel, outputs compared: conformance, busybox
bench    the benchmark program built, run on a kernel, its rows read; bench_boot: boot time, size
         and memory; bench_report: tables and the plot
fuzz     the fuzzer's program built and run, its console judged
hoards   memory running out in every way, for test/boot/oom.py and ./moonshot soak oom
stress   stress-ng in a guest, the stressors of the file `stressors`, for test/boot/stress.py and
         ./moonshot stress
concurrency  what `./moonshot test concurrency` repeats
disks    images of file systems, power cuts: for test/boot/disk.py and ./moonshot soak powercut
torture  the programs of test/torture in a guest, for test/boot/torture.py and ./moonshot soak torture
suites   the groups of tests, the files `groups` (when each runs) and `passes` (where again)
nettests  the parts of ./moonshot soak net, over badwire (two guests on a wire) and wire (what spoils its frames)
storage  trees of files on many kinds of disks, for test/boot/storage.py and ./moonshot soak storage
storage_apps  Debian's fio, dbench, bonnie++, stress-ng on disks and tmpfs, for ./moonshot soak storage
corrupt  file systems with something wrong in a guest, for the same; faulty: disks that fail, for
         test/boot/faults.py
"""

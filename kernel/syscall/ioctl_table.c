/*
 * The table of ioctls. See syscall/ioctl_table.h.
 */
#include "syscall/ioctl_table.h"

#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/kd.h>
#include <linux/loop.h>
#include <linux/serial.h>
#include <linux/sockios.h>
#include <linux/timerfd.h>
#include <linux/un.h>
#include <linux/vt.h>

#define VALUE(command_)            { .command = (uint32_t)(command_) }
#define IN(command_, type_)        { (uint32_t)(command_), sizeof(type_), IOCTL_IN }
#define OUT(command_, type_)       { (uint32_t)(command_), sizeof(type_), IOCTL_OUT }
#define IN_OUT(command_, type_)    { (uint32_t)(command_), sizeof(type_), IOCTL_IN | IOCTL_OUT }

static const struct ioctl_entry entries[] = {
	/* any file */
	VALUE(FIOCLEX),
	VALUE(FIONCLEX),
	IN(FIONBIO, int),
	IN(FIOASYNC, int),
	OUT(FIONREAD, int),
	OUT(FIOQSIZE, long),
	OUT(FIGETBSZ, int),
	IN_OUT(FIBMAP, int),
	OUT(FS_IOC_GETFLAGS, int),
	IN(FS_IOC_SETFLAGS, int),
	OUT(FS_IOC_FSGETXATTR, struct fsxattr),
	IN(FS_IOC_FSSETXATTR, struct fsxattr),
	IN(TFD_IOC_SET_TICKS, uint64_t), /* timerfd_create(2) */
	/* terminals: ioctl_tty(2) */
	OUT(TCGETS, struct termios),
	IN(TCSETS, struct termios),
	IN(TCSETSW, struct termios),
	IN(TCSETSF, struct termios),
	OUT(TCGETS2, struct termios2),
	IN(TCSETS2, struct termios2),
	IN(TCSETSW2, struct termios2),
	IN(TCSETSF2, struct termios2),
	OUT(TCGETA, struct termio),
	IN(TCSETA, struct termio),
	IN(TCSETAW, struct termio),
	IN(TCSETAF, struct termio),
	OUT(TIOCGLCKTRMIOS, struct termios),
	IN(TIOCSLCKTRMIOS, struct termios),
	VALUE(TCSBRK),
	VALUE(TCSBRKP),
	VALUE(TIOCSBRK),
	VALUE(TIOCCBRK),
	VALUE(TCXONC),
	VALUE(TCFLSH),
	OUT(TIOCOUTQ, int),
	OUT(SIOCATMARK, int), /* sockets: unix(7) */
	IN(TIOCSTI, char),
	VALUE(TIOCCONS),
	VALUE(TIOCSCTTY),
	VALUE(TIOCNOTTY),
	OUT(TIOCGPGRP, int),
	IN(TIOCSPGRP, int),
	OUT(TIOCGSID, int),
	VALUE(TIOCEXCL),
	VALUE(TIOCNXCL),
	OUT(TIOCGEXCL, int),
	OUT(TIOCGETD, int),
	IN(TIOCSETD, int),
	IN(TIOCPKT, int),
	OUT(TIOCGPKT, int),
	OUT(TIOCGPTN, unsigned int),
	IN(TIOCSPTLCK, int),
	OUT(TIOCGPTLCK, int),
	VALUE(TIOCGPTPEER),
	VALUE(TIOCSIG),
	OUT(TIOCGWINSZ, struct winsize),
	IN(TIOCSWINSZ, struct winsize),
	OUT(TIOCMGET, int),
	IN(TIOCMSET, int),
	IN(TIOCMBIS, int),
	IN(TIOCMBIC, int),
	OUT(TIOCGSOFTCAR, int),
	IN(TIOCSSOFTCAR, int),
	VALUE(TIOCVHANGUP),
	OUT(TIOCGDEV, unsigned int),
	OUT(TIOCGSERIAL, struct serial_struct),
	IN(TIOCSSERIAL, struct serial_struct),
	VALUE(TIOCMIWAIT),
	OUT(TIOCGICOUNT, struct serial_icounter_struct),
	/* virtual consoles, which programs try to find out what they run on */
	OUT(KDGKBTYPE, char),
	OUT(KDGETMODE, int),
	VALUE(KDSETMODE),
	OUT(KDGKBMODE, int),
	VALUE(KDSKBMODE),
	OUT(KDGKBLED, char),
	OUT(KDGETLED, char),
	OUT(VT_GETSTATE, struct vt_stat),
	OUT(VT_OPENQRY, int),
	OUT(VT_GETMODE, struct vt_mode),
	IN(VT_SETMODE, struct vt_mode),
	VALUE(VT_ACTIVATE),
	VALUE(VT_WAITACTIVE),
	/* block devices */
	OUT(BLKROGET, int),
	IN(BLKROSET, int),
	OUT(BLKGETSIZE, long),
	OUT(BLKGETSIZE64, uint64_t),
	OUT(BLKSSZGET, int),
	OUT(BLKPBSZGET, int),
	OUT(BLKBSZGET, int),
	IN(BLKBSZSET, int),
	OUT(BLKIOMIN, int),
	OUT(BLKIOOPT, int),
	OUT(BLKALIGNOFF, int),
	OUT(BLKDISCARDZEROES, int),
	OUT(BLKSECTGET, short),
	OUT(BLKROTATIONAL, short),
	OUT(BLKRAGET, long),
	OUT(BLKFRAGET, long),
	VALUE(BLKRASET),
	VALUE(BLKFRASET),
	OUT(BLKGETDISKSEQ, uint64_t),
	OUT(HDIO_GETGEO, struct hd_geometry),
	IN(BLKDISCARD, uint64_t[2]),
	IN(BLKSECDISCARD, uint64_t[2]),
	IN(BLKZEROOUT, uint64_t[2]),
	VALUE(BLKFLSBUF),
	VALUE(BLKRRPART),
	IN(BLKPG, struct blkpg_ioctl_arg), /* syscall/ioctl_block.c */
	/* loop devices: loop(4) */
	VALUE(LOOP_SET_FD), /* syscall/ioctl_block.c */
	VALUE(LOOP_CHANGE_FD),
	VALUE(LOOP_CLR_FD),
	IN(LOOP_CONFIGURE, struct loop_config),
	IN(LOOP_SET_STATUS64, struct loop_info64),
	OUT(LOOP_GET_STATUS64, struct loop_info64),
	VALUE(LOOP_SET_CAPACITY),
	VALUE(LOOP_SET_DIRECT_IO),
	VALUE(LOOP_SET_BLOCK_SIZE),
	VALUE(LOOP_CTL_ADD),
	VALUE(LOOP_CTL_REMOVE),
	VALUE(LOOP_CTL_GET_FREE),
	/* sockets: socket(7), unix(7); interfaces by syscall/ioctl_net.c: netdevice(7), arp(7) */
	OUT(SIOCGSTAMP_OLD, int64_t[2]),
	OUT(SIOCGSTAMPNS_OLD, int64_t[2]),
	OUT(SIOCGSTAMP_NEW, int64_t[2]),
	OUT(SIOCGSTAMPNS_NEW, int64_t[2]),
	OUT(SIOCOUTQNSD, int),
	VALUE(SIOCUNIXFILE),
	IN(FIOSETOWN, int),
	IN(SIOCSPGRP, int),
	OUT(FIOGETOWN, int),
	OUT(SIOCGPGRP, int),
	VALUE(SIOCGIFNAME),
	VALUE(SIOCGIFCONF),
	VALUE(SIOCGIFFLAGS),
	VALUE(SIOCSIFFLAGS),
	VALUE(SIOCGIFADDR),
	VALUE(SIOCSIFADDR),
	VALUE(SIOCDIFADDR),
	VALUE(SIOCGIFDSTADDR),
	VALUE(SIOCSIFDSTADDR),
	VALUE(SIOCGIFBRDADDR),
	VALUE(SIOCSIFBRDADDR),
	VALUE(SIOCGIFNETMASK),
	VALUE(SIOCSIFNETMASK),
	VALUE(SIOCGIFMETRIC),
	VALUE(SIOCSIFMETRIC),
	VALUE(SIOCGIFMTU),
	VALUE(SIOCSIFMTU),
	VALUE(SIOCSIFNAME),
	VALUE(SIOCGIFHWADDR),
	VALUE(SIOCSIFHWADDR),
	VALUE(SIOCSIFHWBROADCAST),
	VALUE(SIOCADDMULTI),
	VALUE(SIOCDELMULTI),
	VALUE(SIOCGIFINDEX),
	VALUE(SIOCGIFSLAVE),
	VALUE(SIOCGIFMAP),
	VALUE(SIOCSIFMAP),
	VALUE(SIOCGIFTXQLEN),
	VALUE(SIOCSIFTXQLEN),
	VALUE(SIOCGIFPFLAGS),
	VALUE(SIOCETHTOOL),
	VALUE(SIOCGMIIPHY),
	VALUE(SIOCGMIIREG),
	VALUE(SIOCADDRT),
	VALUE(SIOCDELRT),
	VALUE(SIOCDARP),
	VALUE(SIOCGARP),
	VALUE(SIOCSARP),
};

const struct ioctl_entry *ioctl_find(unsigned int command)
{
	for (size_t i = 0; i < array_size(entries); i++) {
		if (entries[i].command == command)
			return &entries[i];
	}
	return NULL;
}

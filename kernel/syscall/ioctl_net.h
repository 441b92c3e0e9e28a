/*
 * ioctls of sockets about interfaces, routes and neighbours: netdevice(7), arp(7). The table's
 * argument is a user pointer still, since what it points to depends on the socket's family.
 */
#pragma once

struct file;

/*
 * arg: the user address, or the number of FIOSETOWN and its kin. ENOIOCTLCMD: not one of them, or
 * the file is no socket.
 */
long ioctl_net(struct file *file, int fd, unsigned int command, void *arg);

// The system calls that Swift's Glibc module does not show: epoll, eventfd, accept4.
#ifndef CLINUX_H
#define CLINUX_H
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#endif

// The system calls that Swift's Glibc module does not show: epoll, eventfd, accept4.
// No _GNU_SOURCE here: it changes types (fd_set) that the Glibc module has already defined.
#ifndef CLINUX_H
#define CLINUX_H
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// pthread_setname_np on the calling thread.
int clinux_name_this_thread(const char *name);

// accept4 with the only flags we ever want: non-blocking, closed on exec.
int clinux_accept(int fd, struct sockaddr *address, socklen_t *length);

// The user of the process at the other end of a local socket, as it was when it connected; -1 with
// errno where that cannot be told.
int clinux_peer_user(int fd, unsigned int *user);

// One pointer of a thread's own. Swift has no thread-local variables, and pthread_getspecific costs
// several times as much on a path that every call takes more than once.
void *clinux_thread_slot(void);
void clinux_set_thread_slot(void *value);

// At most so many heaps for all threads together, where the C library has several. To be called
// before there are threads.
void clinux_limit_heaps(int count);

#endif

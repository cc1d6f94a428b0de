#define _GNU_SOURCE
#include "CLinux.h"
#include <malloc.h>
#include <pthread.h>

int clinux_name_this_thread(const char *name) {
    return pthread_setname_np(pthread_self(), name);
}

int clinux_accept(int fd, struct sockaddr *address, socklen_t *length) {
    return accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int clinux_peer_user(int fd, unsigned int *user) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
    *user = credentials.uid;
    return 0;
}

// Of the program itself: no call to find it.
__attribute__((tls_model("initial-exec"))) static _Thread_local void *thread_slot;

void *clinux_thread_slot(void) {
    return thread_slot;
}

void clinux_set_thread_slot(void *value) {
    thread_slot = value;
}

void clinux_limit_heaps(int count) {
#ifdef M_ARENA_MAX
    mallopt(M_ARENA_MAX, count);
#endif
}

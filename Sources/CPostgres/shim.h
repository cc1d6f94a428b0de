#ifndef CPOSTGRES_SHIM_H
#define CPOSTGRES_SHIM_H
#include <libpq-fe.h>

// libpq prints what the server remarks to standard error unless told otherwise, and a remark may
// quote what is stored.
static inline void cpostgres_say_nothing(void *context, const PGresult *result) {
    (void)context; (void)result;
}
static inline void cpostgres_silence(PGconn *connection) {
    (void)PQsetNoticeReceiver(connection, cpostgres_say_nothing, 0);
}
#endif

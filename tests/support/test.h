#ifndef TEST_H
#define TEST_H

/* What cmocka needs before it, in the order it needs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif

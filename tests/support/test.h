#ifndef TEST_H
#define TEST_H

/* What cmocka needs before it, in the order it needs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A test that follows a null pointer has failed anyway, and says where. */
#pragma GCC diagnostic ignored "-Wnull-dereference"

#endif

// SPDX-License-Identifier: GPL-3.0-or-later
/* opensmtpd-key.c - laid in by LD_PRELOAD, lets OpenSMTPD 6.8 offer TLS with
 * OpenSSL 3.
 *
 * Its listener has no private key, but marks the public one, by
 * RSA_set_ex_data(), for an engine that asks another process to sign. OpenSSL 3
 * marks a copy: the key that TLS uses stays without. So what was marked is made
 * the key.
 */
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED
#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

static EVP_PKEY *asked; /* the last key of which the RSA was asked */

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
RSA *EVP_PKEY_get1_RSA(EVP_PKEY *pkey)
{
	RSA *(*real)(EVP_PKEY *);

	*(void **)&real = dlsym(RTLD_NEXT, "EVP_PKEY_get1_RSA");
	asked = pkey;
	return real(pkey);
}

int RSA_set_ex_data(RSA *rsa, int index, void *data)
{
	int (*real)(RSA *, int, void *);
	int done;

	*(void **)&real = dlsym(RTLD_NEXT, "RSA_set_ex_data");
	done = real(rsa, index, data);
	if (asked) {
		EVP_PKEY_set1_RSA(asked, rsa);
		asked = NULL;
	}
	return done;
}
#endif

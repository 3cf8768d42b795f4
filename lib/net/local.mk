# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += lib/net/libnet.a
lib_net_libnet_a_SOURCES = \
	lib/net/connection.c lib/net/connection.h
lib_net_libnet_a_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS)

# What a program that links libnet.a needs beside BASE_LIBS.
NET_LIBS = lib/net/libnet.a $(SSL_LIBS)

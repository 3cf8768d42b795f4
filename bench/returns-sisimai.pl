#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-3.0-or-later
# returns-sisimai.pl FILE... - the same with Sisimai (Debian's
# libsisimai-perl): microseconds of CPU for a mail.
use strict;
use warnings;
use Sisimai;

my ($took, $done, $failed) = (0, 0, 0);
for my $path (@ARGV) {
    my $start = times;
    my $found = eval {
        local $SIG{ALRM} = sub { die "too long\n" };
        local $SIG{__WARN__} = sub { };
        alarm 5;
        Sisimai->make($path);
        alarm 0;
        1;
    };
    alarm 0;
    if ($found) { $took += times() - $start; $done++ } else { $failed++ }
}
printf "{\"us\":%.2f,\"failed\":%d}\n", $took / ($done || 1) * 1e6, $failed;

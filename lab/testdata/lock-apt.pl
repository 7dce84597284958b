#!/usr/bin/perl
# Holds what a running apt-get holds, under its name, until it is ended, and
# tells the service manager when it does.
use strict;
use warnings;
use Fcntl;
use Socket;

$0 = "apt-get";
my @held;
for my $path ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock") {
    open(my $f, "+>>", $path) or die "$path: $!\n";
    my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); # struct flock, 64 bit
    fcntl($f, F_SETLK, $lock) or die "$path: $!\n";
    push @held, $f;
}
socket(my $manager, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!\n";
send($manager, "READY=1", 0, pack_sockaddr_un($ENV{NOTIFY_SOCKET})) or die "notify: $!\n";
sleep 1 while 1;

#!/usr/bin/perl
# peer.pl ADDR PORT: tells every client "peer ADDRESS PORT", and says the same
# on standard output. As a mail server does, it keeps its clients: the last few.
# ADDR may be 0.0.0.0 or ::. Needs nothing but perl-base.
use strict;
use warnings;
use Socket qw(:DEFAULT :addrinfo IPPROTO_IPV6 IPV6_V6ONLY);

my ($addr, $port) = @ARGV;
my @clients;
$| = 1;
my ($err, $ai) = getaddrinfo($addr, $port,
    { flags => AI_PASSIVE | AI_NUMERICHOST, socktype => SOCK_STREAM });
die "peer.pl: $addr $port: $err\n" if $err;
socket(my $listener, $ai->{family}, SOCK_STREAM, 0) or die "peer.pl: socket: $!\n";
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
setsockopt($listener, IPPROTO_IPV6, IPV6_V6ONLY, 1) if $ai->{family} == AF_INET6;
bind($listener, $ai->{addr}) or die "peer.pl: bind $addr $port: $!\n";
listen($listener, 16) or die "peer.pl: listen: $!\n";
print "listening $addr $port\n";
$SIG{PIPE} = 'IGNORE';
while (1) {
    my $from = accept(my $client, $listener) or next;
    my ($e, $host, $service) = getnameinfo($from, NI_NUMERICHOST | NI_NUMERICSERV);
    syswrite($client, "peer $host $service\n");
    print "peer $host $service\n";
    push @clients, $client;
    close shift @clients if @clients > 16;
}

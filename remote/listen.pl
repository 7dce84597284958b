# Holds all listeners of one session: perl-base is on every Debian. It takes commands on its standard input, kept as
# descriptor 3, ends with that, and by itself a minute after the last command. It never reads more of a client than is in its
# way, and sends one line.
use strict; use warnings; use Socket qw(:DEFAULT inet_pton inet_ntop IPPROTO_IPV6 IPV6_V6ONLY); use Errno;
$0 = "postern-listen"; # the kernel's name of the process too, by which it is told from the services of the host
$SIG{PIPE} = 'IGNORE'; alarm 60; $| = 1;
my ($mark) = @ARGV;
my (%listeners, %left);
my $input = "";
sub say_ { print "\n$mark @_\n" }
sub told { my ($six, $name) = @_; my ($p, $a) = $six ? (unpack_sockaddr_in6($name))[0,1] : unpack_sockaddr_in($name);
  return inet_ntop($six ? AF_INET6 : AF_INET, $a) . " $p" }
sub refuse { say_($_[0], "no", $!+0, $!{EADDRINUSE} ? "inuse" : $!{EADDRNOTAVAIL} ? "notours" : "other", "$!") }
sub listen_ {
  my ($id, $family, $host, $port) = @_;
  my $six = $family == 6; my $af = $six ? AF_INET6 : AF_INET;
  socket(my $socket, $af, SOCK_STREAM, 0) or return refuse($id);
  setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, pack("i", 1)) or return refuse($id);
  setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, pack("i", 1)) or return refuse($id) if $six;
  my $a = inet_pton($af, $host);
  bind($socket, $six ? pack_sockaddr_in6($port, $a) : pack_sockaddr_in($port, $a)) or return refuse($id);
  listen($socket, 16) or return refuse($id);
  $listeners{$id} = [$socket, $six];
  say_($id, "ready", told($six, getsockname($socket)));
}
sub close_ { my $e = delete $listeners{$_[0]}; close $e->[0] if $e; say_($_[0], "closed") }
open(my $end, "<&=", 3) or exit 1;
say_("up");
while (1) {
  my $r = "";
  vec($r, fileno($_), 1) = 1 for $end, map { $_->[0] } values %left, values %listeners;
  select(my $got = $r, undef, undef, 1);
  for my $c (values %left) {
    next unless time > $c->[1] || vec($got, fileno($c->[0]), 1) && !sysread($c->[0], my $x, 4096);
    delete $left{fileno $c->[0]}; close $c->[0];
  }
  for my $id (keys %listeners) {
    my ($socket, $six) = @{$listeners{$id}};
    next unless vec($got, fileno($socket), 1);
    my $from = accept(my $c, $socket) or next;
    my $peer = told($six, $from);
    say_($id, "peer", $peer);
    syswrite($c, "postern $peer\n"); shutdown($c, 1);
    if (keys %left > 64) { close $c } else { $left{fileno $c} = [$c, time + 5] }
  }
  next unless vec($got, fileno($end), 1);
  sysread($end, $input, 4096, length $input) or exit 0;
  while ($input =~ s/^([^\n]*)\n//) {
    my ($what, @args) = split / /, $1;
    alarm 60;
    if ($what eq "listen") { listen_(@args) } elsif ($what eq "close") { close_(@args) }
  }
}

# Tells which packets pass a host at its edges: those that come in before any rule sees them, and those that go out after the last.
# It only reads, and the kernel closes its socket with the process, so nothing can stay. perl-base is on every Debian.
# ARGV: a name that nobody else has, for how many seconds, the ports. Who connects to the abstract socket of that name knows that
# it is at work; the second who does ends it.
use strict; use warnings; use Socket qw(:DEFAULT inet_ntop);
my ($name, $secs, @ports) = @ARGV;
my %port = map { $_ => 1 } @ports;
my ($most, $size, @told) = (3000, 160);
$0 = "postern-capture";
sub end_ { print map { "$_\n" } @_, "== end"; exit 0 }
sub fail { end_("== cannot", "$_[0]: $!") }
# The kernel hands over what begins or refuses a connection, ICMP, and what may be WireGuard's (its first byte is 1 to 4).
# Offsets count from the IP header, jumps from the next line.
my @filter = (
  [0x30,0,0,0], [0x74,0,0,4], [0x15,0,6,4],                                                             # IPv4?
  [0x30,0,0,9], [0xb1,0,0,0], [0x15,9,0,6], [0x15,10,0,17], [0x15,12,0,1], [0x06,0,0,0],
  [0x15,0,11,6], [0x30,0,0,6], [0x01,0,0,40], [0x15,2,0,6], [0x15,3,0,17], [0x15,5,6,58],               # IPv6?
  [0x50,0,0,13], [0x45,3,4,6],                                                                          # TCP: SYN or RST
  [0x50,0,0,8], [0x35,0,2,1], [0x25,1,0,4],                                                             # UDP
  [0x06,0,0,$size], [0x06,0,0,0]);
my $program = join "", map { pack "SCCL", @$_ } @filter;
socket(my $s, 17, 2, 0) or fail("a packet socket"); # PF_PACKET, without the link's header
setsockopt($s, SOL_SOCKET, 26, pack("S x![P] P", scalar @filter, $program)) or fail("a filter");
setsockopt($s, SOL_SOCKET, SO_RCVBUF, pack("i", 1 << 20));
bind($s, pack("S n i S C C a8", 17, 3, 0, 0, 0, 0, "")) or fail("a packet socket");
my $door;
socket($door, PF_UNIX, SOCK_STREAM, 0) && bind($door, pack_sockaddr_un("\0postern-$name")) && listen($door, 4) or fail("a socket");
my (%device, %data);
sub device { my $i = shift; $device{$i} //= do { my $r = pack("a16 i x20", "", $i); ioctl($s, 0x8910, $r) ? unpack("Z16", $r) : "if$i" } }
# packet is the kind of a packet, its addresses and ports, and where its payload begins.
sub packet {
  my $b = shift;
  return if length $b < 20;
  my $six = ord($b) >> 4 == 6;
  return if $six && length $b < 40;
  my ($proto, $at, $src, $dst) = $six ? (ord(substr $b, 6, 1), 40, unpack("x8 a16 a16", $b)) : (ord(substr $b, 9, 1), 4 * (ord($b) & 15), unpack("x12 a4 a4", $b));
  my ($from, $to) = length $b >= $at + 4 ? unpack("n n", substr $b, $at) : (0, 0);
  ($src, $dst) = map { inet_ntop($six ? AF_INET6 : AF_INET, $_) } $src, $dst;
  return ($proto, $at, $src, $from, $dst, $to);
}
sub tell_ {
  my ($b, $where) = @_;
  my ($proto, $at, @ends) = packet($b) or return;
  my $kind;
  if ($proto == 6 && length $b > $at + 13) {
    my $flags = ord substr $b, $at + 13, 1;
    $kind = $flags & 4 ? "rst" : $flags & 16 ? "synack" : "syn";
  } elsif ($proto == 17 && length $b > $at + 8) {
    $kind = ("", "initiation", "response", "cookie", "data")[ord substr $b, $at + 8, 1];
    return if $kind eq "data" && ++$data{$where} > 20; # that there are some is enough
  } elsif (($proto == 1 || $proto == 58) && length $b > $at + 28) {
    my ($type, $code, $mtu) = unpack("C C x2 N", substr $b, $at);
    return if $proto == 1 ? $type != 3 : $type != 1 && $type != 2;
    $mtu &= 0xffff if $proto == 1;
    my $by = $ends[0];
    (my $of, undef, @ends) = packet(substr $b, $at + 8) or return;
    $kind = "icmp $by $type $code $mtu" if $of == 6 || $of == 17;
  }
  push @told, "$where @ends $kind" if $kind && ($port{$ends[1]} || $port{$ends[3]});
}
my ($until, $knocks) = (time + $secs, 0);
while (time < $until && $knocks < 2 && @told < $most) {
  vec(my $r = "", fileno $s, 1) = 1;
  vec($r, fileno $door, 1) = 1;
  select($r, undef, undef, 1) > 0 or next;
  if (vec($r, fileno $door, 1)) { accept(my $c, $door); $knocks++ } # what came before the last knock is read below
  while (@told < $most && defined(my $from = recv($s, my $b, $size, 0x40))) { # MSG_DONTWAIT
    my (undef, undef, $index, undef, $type) = unpack("S n i S C", $from);
    tell_($b, ($type == 4 ? "out " : "in ") . device($index));
  }
}
end_("== packets", @told, $knocks < 2 ? @told < $most ? ("== late") : ("== cut") : ());

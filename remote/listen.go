package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// listenScript is the whole listener: perl-base is on every Debian. It ends with its standard input, kept as descriptor 3,
// and by itself after a minute. It never reads more of a client than is in its way, and sends one line.
const listenScript = `use strict; use warnings; use Socket qw(:DEFAULT inet_pton inet_ntop IPPROTO_IPV6 IPV6_V6ONLY);
$SIG{PIPE} = 'IGNORE'; alarm 60; $| = 1;
my ($mark, $family, $host, $port) = @ARGV;
sub say_ { print "\n$mark @_\n" }
sub refuse { say_("no", $!+0, $!{EADDRINUSE} ? "inuse" : $!{EADDRNOTAVAIL} ? "notours" : "other", "$!"); exit 1 }
sub told { my ($p, $a) = $family == 6 ? (unpack_sockaddr_in6($_[0]))[0,1] : unpack_sockaddr_in($_[0]);
  return inet_ntop($family == 6 ? AF_INET6 : AF_INET, $a) . " $p" }
use Errno;
my $af = $family == 6 ? AF_INET6 : AF_INET;
socket(my $ear, $af, SOCK_STREAM, 0) or refuse();
setsockopt($ear, SOL_SOCKET, SO_REUSEADDR, pack("i", 1)) or refuse();
setsockopt($ear, IPPROTO_IPV6, IPV6_V6ONLY, pack("i", 1)) or refuse() if $family == 6;
my $a = inet_pton($af, $host);
bind($ear, $family == 6 ? pack_sockaddr_in6($port, $a) : pack_sockaddr_in($port, $a)) or refuse();
listen($ear, 16) or refuse();
say_("ready", told(getsockname($ear)));
open(my $end, "<&=", 3) or exit 1;
my %left;
while (1) {
  my $r = "";
  vec($r, fileno($_), 1) = 1 for $ear, $end, map { $_->[0] } values %left;
  select(my $got = $r, undef, undef, 1);
  if (vec($got, fileno($end), 1)) { sysread($end, my $x, 512) or exit 0 }
  for my $c (values %left) {
    next unless time > $c->[1] || vec($got, fileno($c->[0]), 1) && !sysread($c->[0], my $x, 4096);
    delete $left{fileno $c->[0]}; close $c->[0];
  }
  next unless vec($got, fileno($ear), 1);
  my $from = accept(my $c, $ear) or next;
  my $peer = told($from);
  say_("peer", $peer);
  syswrite($c, "postern $peer\n"); shutdown($c, 1);
  if (keys %left > 64) { close $c } else { $left{fileno $c} = [$c, time + 5] }
}
`

// listenMost bounds how long starting a listener may take.
const listenMost = 15 * time.Second

// Listen opens a throw-away listener on the host, at a literal address ("0.0.0.0:993", "[2001:db8::1]:993"; port 0 takes a
// free one) of network tcp4 or tcp6, or tcp to go by the address. It takes what one family offers only. Its errors wrap
// syscall.EADDRINUSE when something listens there already, syscall.EADDRNOTAVAIL when the host has no such address, and
// ErrNoVantage when the host has nothing to listen with. The Listener outlives ctx; Close it.
func (s *Session) Listen(ctx context.Context, network, addr string) (*Listener, error) {
	at, err := listenAt(network, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	select {
	case s.ears <- struct{}{}:
	case <-ctx.Done():
		return nil, s.told(context.Cause(ctx))
	}
	done := sync.OnceFunc(func() { <-s.ears })
	l, err := s.listen(ctx, at, done)
	if err != nil {
		done()
		return nil, err
	}
	return l, nil
}

// listenAt checks an address to listen at.
func listenAt(network, addr string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listen %q: not address:port", addr)
	}
	if host == "" {
		host = map[string]string{"tcp4": "0.0.0.0", "tcp6": "::"}[network]
	}
	at, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	is4 := at.Addr().Unmap().Is4()
	switch {
	case err != nil || at.Addr().Zone() != "":
		return netip.AddrPort{}, fmt.Errorf("listen %q: not a literal address and port", addr)
	case network == "tcp", network == "tcp4" && is4, network == "tcp6" && !is4:
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
	}
	return netip.AddrPort{}, fmt.Errorf("listen %s %q: the address is of another family", network, addr)
}

func (s *Session) listen(ctx context.Context, at netip.AddrPort, done func()) (*Listener, error) {
	ctx, cancel := within(ctx, listenMost)
	defer cancel()
	s.log("> listen at " + at.String())
	p, err := s.extra(ctx)
	if errors.Is(err, errNoChannel) {
		return nil, fmt.Errorf("%s: listen %s: %w: %w", s.name, at, ErrNoVantage, err)
	}
	if err != nil {
		return nil, err
	}
	gone := sync.OnceFunc(func() {
		p.end()
		s.extras.Add(-1)
		done()
	})
	mark, text, family := s.o.nonce(), s.o.nonce(), 6
	if at.Addr().Is4() {
		family = 4
	}
	s.trips.Add(1)
	script := fmt.Sprintf("command -v perl >/dev/null 2>&1 || { printf '\\n%%s no 0 perl\\n' %s; exit; }; exec perl - %s %d %s %d <<'%s'\n%s%s\n",
		mark, mark, family, Quote(at.Addr().String()), at.Port(), text, listenScript, text)
	if err := p.write(ctx, script); err != nil {
		gone()
		return nil, s.told(err)
	}
	_, said, err := p.out.until(ctx, "\n"+mark+" ready ", "\n"+mark+" no ")
	if err != nil {
		gone()
		return nil, fmt.Errorf("%w (the host said %q)", s.told(err), Clean(said).last(120))
	}
	return s.heard(ctx, p, at, mark, gone)
}

// heard reads what the listener says first, and then its peers until it ends.
func (s *Session) heard(ctx context.Context, p *process, at netip.AddrPort, mark string, gone func()) (*Listener, error) {
	first, line, err := p.out.until(ctx, "\n")
	if err != nil || first < 0 {
		gone()
		return nil, s.told(err)
	}
	f := strings.Fields(line)
	if own, ok := parsePeer(f); ok {
		peers := make(chan netip.AddrPort, 64)
		go func() {
			defer close(peers)
			defer gone()
			readPeers(p.out, mark, peers)
		}()
		return &Listener{Addr: own, Peers: peers, close: func() error { gone(); return nil }}, nil
	}
	gone()
	why := error(ErrNoVantage)
	switch {
	case len(f) > 1 && f[1] == "perl":
		return nil, fmt.Errorf("%s: listen %s: %w: no perl on the host", s.name, at, ErrNoVantage)
	case len(f) > 1 && f[1] == "inuse":
		why = syscall.EADDRINUSE
	case len(f) > 1 && f[1] == "notours":
		why = syscall.EADDRNOTAVAIL
	default:
		return nil, fmt.Errorf("%s: listen %s: %w: %q", s.name, at, why, Clean(line).Line(80))
	}
	return nil, fmt.Errorf("%s: listen %s: %w", s.name, at, why)
}

// readPeers tells each peer. Nobody may be reading: what does not fit is dropped.
func readPeers(out *stream, mark string, peers chan<- netip.AddrPort) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), mark+" peer ")
		if !ok {
			continue
		}
		if peer, ok := parsePeer(strings.Fields(rest)); ok {
			select {
			case peers <- peer:
			default:
			}
		}
	}
}

// parsePeer reads "address port".
func parsePeer(f []string) (netip.AddrPort, bool) {
	if len(f) != 2 {
		return netip.AddrPort{}, false
	}
	a, err1 := netip.ParseAddr(f[0])
	port, err2 := strconv.ParseUint(f[1], 10, 16)
	return netip.AddrPortFrom(a.Unmap(), uint16(port)), err1 == nil && err2 == nil
}

// Read makes a stream an io.Reader that ends when the shell does.
func (s *stream) Read(b []byte) (int, error) {
	got, err := s.next(context.Background())
	if err != nil {
		return 0, err
	}
	n := copy(b, got)
	s.rest = got[n:]
	return n, nil
}

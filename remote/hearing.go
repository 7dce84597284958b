package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// listenScript holds all listeners of one session: perl-base is on every Debian. It takes commands on its standard input,
// kept as descriptor 3, ends with that, and by itself a minute after the last command. It never reads more of a client
// than is in its way, and sends one line.
const listenScript = `use strict; use warnings; use Socket qw(:DEFAULT inet_pton inet_ntop IPPROTO_IPV6 IPV6_V6ONLY); use Errno;
$SIG{PIPE} = 'IGNORE'; alarm 60; $| = 1;
my ($mark) = @ARGV;
my (%ears, %left);
my $heard = "";
sub say_ { print "\n$mark @_\n" }
sub told { my ($six, $name) = @_; my ($p, $a) = $six ? (unpack_sockaddr_in6($name))[0,1] : unpack_sockaddr_in($name);
  return inet_ntop($six ? AF_INET6 : AF_INET, $a) . " $p" }
sub refuse { say_($_[0], "no", $!+0, $!{EADDRINUSE} ? "inuse" : $!{EADDRNOTAVAIL} ? "notours" : "other", "$!") }
sub listen_ {
  my ($id, $family, $host, $port) = @_;
  my $six = $family == 6; my $af = $six ? AF_INET6 : AF_INET;
  socket(my $ear, $af, SOCK_STREAM, 0) or return refuse($id);
  setsockopt($ear, SOL_SOCKET, SO_REUSEADDR, pack("i", 1)) or return refuse($id);
  setsockopt($ear, IPPROTO_IPV6, IPV6_V6ONLY, pack("i", 1)) or return refuse($id) if $six;
  my $a = inet_pton($af, $host);
  bind($ear, $six ? pack_sockaddr_in6($port, $a) : pack_sockaddr_in($port, $a)) or return refuse($id);
  listen($ear, 16) or return refuse($id);
  $ears{$id} = [$ear, $six];
  say_($id, "ready", told($six, getsockname($ear)));
}
sub close_ { my $e = delete $ears{$_[0]}; close $e->[0] if $e; say_($_[0], "closed") }
open(my $end, "<&=", 3) or exit 1;
say_("up");
while (1) {
  my $r = "";
  vec($r, fileno($_), 1) = 1 for $end, map { $_->[0] } values %left, values %ears;
  select(my $got = $r, undef, undef, 1);
  for my $c (values %left) {
    next unless time > $c->[1] || vec($got, fileno($c->[0]), 1) && !sysread($c->[0], my $x, 4096);
    delete $left{fileno $c->[0]}; close $c->[0];
  }
  for my $id (keys %ears) {
    my ($ear, $six) = @{$ears{$id}};
    next unless vec($got, fileno($ear), 1);
    my $from = accept(my $c, $ear) or next;
    my $peer = told($six, $from);
    say_($id, "peer", $peer);
    syswrite($c, "postern $peer\n"); shutdown($c, 1);
    if (keys %left > 64) { close $c } else { $left{fileno $c} = [$c, time + 5] }
  }
  next unless vec($got, fileno($end), 1);
  sysread($end, $heard, 4096, length $heard) or exit 0;
  while ($heard =~ s/^([^\n]*)\n//) {
    my ($what, @args) = split / /, $1;
    alarm 60;
    if ($what eq "listen") { listen_(@args) } elsif ($what eq "close") { close_(@args) }
  }
}
`

// hearing is the process on the host that holds the listeners of one session.
type hearing struct {
	p     *process
	ended chan struct{} // closed when it is gone

	mu   sync.Mutex
	ears map[string]*ear
	next int
	gone bool
}

// ear is one listener of it.
type ear struct {
	id     string
	said   chan []string // how the listen command ended
	peers  chan netip.AddrPort
	closed chan struct{} // the host has closed it
}

// hear is the session's process of listeners with a use of it counted: s.hearers. The first begins it, the last ends it.
func (s *Session) hear(ctx context.Context, at netip.AddrPort) (*hearing, error) {
	s.hearMu.Lock()
	defer s.hearMu.Unlock()
	if s.hearing != nil {
		select {
		case <-s.hearing.ended: // it died; whoever used it counts no more
		default:
			s.hearers++
			return s.hearing, nil
		}
	}
	h, err := s.startHearing(ctx, at)
	if err != nil {
		return nil, err
	}
	s.hearing, s.hearers = h, 1
	return h, nil
}

func (s *Session) startHearing(ctx context.Context, at netip.AddrPort) (*hearing, error) {
	p, err := s.extra(ctx)
	if errors.Is(err, errNoChannel) {
		return nil, fmt.Errorf("%s: listen %s: %w: %w", s.name, at, ErrNoVantage, err)
	}
	if err != nil {
		return nil, err
	}
	over := func() {
		p.end()
		s.extras.Add(-1)
	}
	mark, text := s.o.nonce(), s.o.nonce()
	s.trips.Add(1)
	script := fmt.Sprintf("command -v perl >/dev/null 2>&1 || { printf '\\n%%s none\\n' %s; exit; }; exec perl - %s <<'%s'\n%s%s\n",
		mark, mark, text, listenScript, text)
	if err := p.write(ctx, script); err != nil {
		over()
		return nil, s.told(err)
	}
	which, said, err := p.out.until(ctx, "\n"+mark+" up\n", "\n"+mark+" none\n")
	switch {
	case err != nil:
		over()
		return nil, fmt.Errorf("%w (the host said %q)", s.told(err), Clean(said).last(120))
	case which == 1:
		over()
		return nil, fmt.Errorf("%s: listen %s: %w: no perl on the host", s.name, at, ErrNoVantage)
	}
	h := &hearing{p: p, ended: make(chan struct{}), ears: map[string]*ear{}}
	go func() {
		defer over()
		h.read(mark)
	}()
	return h, nil
}

// add makes room for one more listener.
func (h *hearing) add() *ear {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	one := &ear{id: strconv.Itoa(h.next), said: make(chan []string, 1), peers: make(chan netip.AddrPort, 64), closed: make(chan struct{})}
	if h.gone {
		close(one.peers)
	} else {
		h.ears[one.id] = one
	}
	return one
}

// drop takes a listener out: nobody is told of its peers any more.
func (h *hearing) drop(one *ear) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ears[one.id] != nil {
		delete(h.ears, one.id)
		close(one.peers)
	}
}

// deafen has the host close a listener, and the process end with the last of them. It returns when the port is free, or
// nobody can tell.
func (s *Session) deafen(h *hearing, one *ear) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if h.p.write(ctx, "close "+one.id+"\n") == nil {
		select {
		case <-one.closed:
		case <-h.ended:
		case <-ctx.Done():
		}
	}
	h.drop(one)
	s.hearMu.Lock()
	defer s.hearMu.Unlock()
	if s.hearing != h {
		return // it had died, and another has begun
	}
	if s.hearers--; s.hearers == 0 {
		s.hearing = nil
		h.p.end()
	}
}

// read takes what the process says to whom it is for, until it ends. Nobody may be reading of peers: what does not fit is
// dropped.
func (h *hearing) read(mark string) {
	lines := bufio.NewScanner(h.p.out)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), mark+" ")
		f := strings.Fields(rest)
		if !ok || len(f) < 2 {
			continue
		}
		h.mu.Lock()
		h.take(f[0], f[1:])
		h.mu.Unlock()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = true
	for _, one := range h.ears {
		close(one.peers)
	}
	h.ears = nil
	close(h.ended)
}

func (h *hearing) take(id string, f []string) {
	one := h.ears[id]
	if one == nil {
		return
	}
	switch f[0] {
	case "closed":
		select {
		case <-one.closed:
		default:
			close(one.closed)
		}
	case "peer":
		if peer, ok := parsePeer(f[1:]); ok {
			select {
			case one.peers <- peer:
			default:
			}
		}
	default:
		select {
		case one.said <- f:
		default:
		}
	}
}

// Package path follows the packets of one port, hop by hop, from where the program runs to who takes them, and names the first hop that
// breaks. It knows how packets travel and what they leave to be seen at each hop; it refuses to know how a host is set up.
package path

import (
	"context"
	"crypto/rand"
	_ "embed" // capture.pl
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
)

// captureScript is what runs on the host.
//
//go:embed capture.pl
var captureScript string

// captureMost is for how long packets are told at most: a host ends a snippet soon after (remote.Session.Exec).
const captureMost = 16 * time.Second

// Packet is one that passed a host at its edge: on its way in before any rule saw it, on its way out after the last.
type Packet struct {
	Out      bool           `json:"out"`
	Device   string         `json:"device"`
	Src      netip.AddrPort `json:"src"`
	Dst      netip.AddrPort `json:"dst"`
	Kind     Kind           `json:"kind"`
	By       netip.Addr     `json:"by,omitzero"` // ICMP: who sent it; Src and Dst are of the packet that it is about
	Type     int            `json:"type,omitempty"`
	Code     int            `json:"code,omitempty"`
	Fragment int            `json:"fragment,omitempty"` // ICMP: the size that would pass
}

// Kind is what a packet is.
type Kind string

// The kinds; the last four are WireGuard's. A handshake begins with an initiation, and who knows the key of it answers with a response.
const (
	SYN        Kind = "syn"
	SYNACK     Kind = "synack"
	RST        Kind = "rst"
	ICMP       Kind = "icmp" // destination unreachable, or a packet too big
	Initiation Kind = "initiation"
	Response   Kind = "response"
	Cookie     Kind = "cookie"
	Data       Kind = "data" // of which some are told, not all
)

// Captured is what passed a host while something was done. Late says that it took longer than was watched, cut that there was more.
type Captured struct {
	Packets []Packet `json:"packets"`
	Late    bool     `json:"late,omitempty"`
	Cut     bool     `json:"cut,omitempty"`
}

// Count is how many packets are so.
func (c Captured) Count(is func(Packet) bool) (n int) {
	for _, p := range c.Packets {
		if is(p) {
			n++
		}
	}
	return n
}

// of is what concerns connections of one family that were begun meanwhile, of certain people where they are known, and whatever carries
// them through the tunnel. A host goes on answering for a minute to who began before.
func (c Captured) of(like netip.Addr, people ...netip.Addr) Captured {
	begun := map[netip.AddrPort]bool{}
	for _, p := range c.Packets {
		if p.Kind == SYN {
			begun[p.Src] = true
		}
	}
	c.Packets = slices.DeleteFunc(slices.Clone(c.Packets), func(p Packet) bool {
		src, dst := p.Src.Addr().Unmap(), p.Dst.Addr().Unmap()
		switch p.Kind {
		case SYN, SYNACK, RST, ICMP:
			return src.Is4() != like.Is4() || len(people) > 0 && !slices.Contains(people, src) && !slices.Contains(people, dst) ||
				(p.Kind == SYNACK || p.Kind == RST) && !begun[p.Src] && !begun[p.Dst]
		}
		return false
	})
	return c
}

// Capture tells what passes a host, of TCP and WireGuard on some ports (theirs or ours), while something is done. It changes nothing
// there and keeps nothing back: a process reads a packet socket, which the kernel closes with it, however it ends. What
// is done should be through in a few seconds. An error says why nothing could be seen; then the thing may not have been done.
func Capture(ctx context.Context, v *checks.Vantage, ports []int, while func(context.Context)) (Captured, error) {
	if v.Run == nil {
		return Captured{}, fmt.Errorf("nothing can be seen on %s: %w", v.Name, remote.ErrNoVantage)
	}
	if len(ports) == 0 || slices.ContainsFunc(ports, func(p int) bool { return p < 1 || p > 65535 }) {
		return Captured{}, errors.New("no port to look at")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	name := rand.Text()
	type told struct {
		answer remote.Answer
		err    error
	}
	done := make(chan told, 1)
	go func() {
		answer, err := v.Run(ctx, remote.ReadRun("capture", capturing(name, ports)))
		done <- told{answer, err}
	}()
	knock := func() error {
		answer, err := v.Run(ctx, remote.ReadRun("captured", fmt.Sprintf(knocking, name)))
		if err == nil && answer.Code != 0 {
			err = errors.New("the capture did not begin")
		}
		return err
	}
	err := knock()
	if err == nil {
		while(ctx)
		_ = knock() // where that was late, it ended by itself
	}
	var t told
	select {
	case t = <-done:
	case <-ctx.Done():
		t.err = context.Cause(ctx)
	case <-after(err):
		t.err = err
	}
	if t.err != nil {
		return Captured{}, fmt.Errorf("%s: packets cannot be seen: %w", v.Name, t.err)
	}
	return parse(t.answer)
}

// after is for how long what did not begin may still say why.
func after(err error) <-chan time.Time {
	if err == nil {
		return nil
	}
	return time.After(2 * time.Second)
}

// knocking waits until the capture is at work, and connects to it.
const knocking = `exec perl -MSocket -e 'for (1 .. 100) {
	socket(my $s, PF_UNIX, SOCK_STREAM, 0); exit 0 if connect($s, pack_sockaddr_un("\0postern-$ARGV[0]")); select undef, undef, undef, 0.05
} exit 1' %s`

func capturing(name string, ports []int) string {
	words := []string{"exec perl - " + name, strconv.Itoa(int(captureMost.Seconds()))}
	for _, p := range ports {
		words = append(words, strconv.Itoa(p))
	}
	return "[ \"${UNAME:-$(uname -s)}\" = Linux ] || { printf '== cannot\\nit is not Linux, which packets are looked at on\\n== end\\n'; exit 0; }\n" +
		"command -v perl >/dev/null || { printf '== cannot\\nthere is no perl on the host\\n== end\\n'; exit 0; }\n" +
		strings.Join(words, " ") + " <<'" + name + "'\n" + captureScript + name + "\n"
}

// parse reads what capture.pl tells.
func parse(a remote.Answer) (c Captured, err error) {
	first, rest, _ := strings.Cut(a.Out, "\n")
	lines := strings.Split(strings.TrimSuffix(rest, "\n"), "\n")
	switch {
	case a.Late || a.Cut || a.Code != 0 || lines[len(lines)-1] != "== end":
		return c, errors.New("what was told of packets is not whole")
	case first == "== cannot":
		return c, fmt.Errorf("packets cannot be seen: %s", remote.Clean(lines[0]).Line(100))
	case first != "== packets":
		return c, fmt.Errorf("packets were told as %q", remote.Clean(first).Line(100))
	}
	for _, line := range lines[:len(lines)-1] {
		switch line {
		case "== late":
			c.Late = true
		case "== cut":
			c.Cut = true
		default:
			p, ok := parsePacket(strings.Fields(line))
			if !ok {
				return Captured{}, fmt.Errorf("a packet was told as %q", remote.Clean(line).Line(100))
			}
			c.Packets = append(c.Packets, p)
		}
	}
	return c, nil
}

// parsePacket reads "in eth0 192.0.2.1 40000 203.0.113.1 25 syn", and of ICMP who sent it, type, code and size behind that.
func parsePacket(w []string) (p Packet, ok bool) {
	if len(w) < 7 || w[0] != "in" && w[0] != "out" || !seen.Name(w[1]) {
		return p, false
	}
	p = Packet{Out: w[0] == "out", Device: w[1], Kind: Kind(w[6])}
	var err error
	if p.Src, err = netip.ParseAddrPort(net.JoinHostPort(w[2], w[3])); err != nil {
		return p, false
	}
	if p.Dst, err = netip.ParseAddrPort(net.JoinHostPort(w[4], w[5])); err != nil {
		return p, false
	}
	switch p.Kind {
	case SYN, SYNACK, RST, Initiation, Response, Cookie, Data:
		return p, len(w) == 7
	case ICMP:
		if len(w) != 11 {
			return p, false
		}
		by, err1 := netip.ParseAddr(w[7])
		kind, err2 := strconv.ParseUint(w[8], 10, 8)
		code, err3 := strconv.ParseUint(w[9], 10, 8)
		size, err4 := strconv.ParseUint(w[10], 10, 32)
		p.By, p.Type, p.Code, p.Fragment = by, int(kind), int(code), int(size)
		return p, errors.Join(err1, err2, err3, err4) == nil
	}
	return p, false
}

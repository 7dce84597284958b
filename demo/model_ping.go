package demo

import (
	"net/netip"
	"strconv"
	"time"
)

func init() { register("/usr/bin/ping", ping) }

// ping sends echo requests of a size. Where none comes back it waits as long as it was told to.
func ping(c *call) int {
	got, rest := c.options("46nqc:i:W:w:M:s:I:")
	if len(rest) != 1 {
		return c.fail(2, "usage error: Destination address required")
	}
	to, err := netip.ParseAddr(rest[0])
	if err != nil {
		at, ok := names[rest[0]]
		if to = at; !ok {
			return c.fail(2, "%s: Name or service not known", rest[0])
		}
	}
	number := func(key string, unsaid float64) float64 {
		if n, err := strconv.ParseFloat(got[key], 64); err == nil && n >= 0 {
			return n
		}
		return unsaid
	}
	count, size := int(number("c", 1000)), int(number("s", 56))
	p := packet{proto: "icmp", kind: "8", dst: netip.AddrPortFrom(to, 0), state: "NEW", size: size + 28}
	if to.Is6() {
		p.proto, p.kind, p.size = "ipv6-icmp", "128", size+48
	}
	c.out("PING %s (%s) %d(%d) bytes of data.\n", rest[0], to, size, p.size)
	came, wrong := 0, 0
	for n := 1; n <= count; n++ {
		if n > 1 && !c.host.w.clock.wait(c.ctx, seconds(number("i", 1))) {
			break
		}
		switch x := c.host.w.send(c.host, p); {
		case x.fate == arrived:
			came++
			x.count(p.size + 32)
			c.out("%d bytes from %s: icmp_seq=%d ttl=64 time=%.1f ms\n", size+8, to, n, 11.8)
		case x.fate == tooBig:
			wrong++
			c.out("ping: sendmsg: Message too long\n")
		case x.fate == noRoute:
			c.out("ping: connect: Network is unreachable\n")
			return 2
		case x.fate != lost:
			wrong++
			c.out("From %s icmp_seq=%d Destination Host Unreachable\n", to, n)
		}
	}
	if came+wrong < count && !c.host.w.clock.wait(c.ctx, seconds(number("W", 10))) {
		return 1
	}
	c.out("\n--- %s ping statistics ---\n%d packets transmitted, %d received, %d%% packet loss, time %dms\n", rest[0], count, came, 100*(count-came)/max(count, 1), 300*(count-1))
	if came == 0 {
		return 1
	}
	return 0
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

package checks

import (
	"fmt"
	"net/netip"

	"postern/remote"
	"postern/site"
)

// forwards names what is wrong with what the proxy sends on, by its rules.
// guide: firewall, Port Forwarding Configuration; Configure UFW to Accept Forwarded Packets
func (k knowledge) forwards() []string {
	var wrong []string
	nat := k.v4["nat"]
	if nat == nil {
		nat = &table{}
	}
	dst := k.own(stranger4)
	for _, f := range forwards(k.s) {
		src := stranger4
		if len(f.from) > 0 {
			src = want{from: f.from}.sources()[0]
		}
		if src.Is6() {
			continue
		}
		to := netip.AddrPortFrom(k.s.Tunnel.Mail, uint16(f.port)).String()
		p := packet{proto: "tcp", src: src, dst: dst, port: f.port, in: k.addrs.iface}
		if got := nat.lets("PREROUTING", p); got.verdict != "DNAT" || got.to != to {
			wrong = append(wrong, fmt.Sprintf("missing: %s %d/tcp is not sent to %s", f.name, f.port, to))
			continue
		}
		if got := k.passes(src, f.port); got.verdict != "ACCEPT" {
			wrong = append(wrong, fmt.Sprintf("missing: %s %d/tcp is sent to %s and then ends in %s by %q", f.name, f.port, to,
				blank(got.verdict, "nothing"), remote.Clean(got.rule).Line(120)))
		}
		through := packet{proto: "tcp", src: k.s.Tunnel.Mail, dst: stranger4, port: f.port, in: k.s.Tunnel.Interface, beyond: true}
		if got := nat.lets("PREROUTING", through); got.verdict == "DNAT" {
			wrong = append(wrong, fmt.Sprintf("too wide: %s %d/tcp catches what the mail host sends to others: %q", f.name, f.port,
				remote.Clean(got.rule).Line(120)))
		}
	}
	return append(wrong, k.leaks()...)
}

// passes is what becomes of a connection from outside to the mail host through the tunnel.
func (k knowledge) passes(src netip.Addr, port int) fate {
	return k.v4["filter"].lets("FORWARD", packet{proto: "tcp", src: src, dst: k.s.Tunnel.Mail, port: port,
		in: k.addrs.iface, out: k.s.Tunnel.Interface})
}

// leaks names a global acceptance of forwarding, which the guide sets and nothing needs.
func (k knowledge) leaks() []string {
	for _, p := range k.s.Unwanted() {
		if got := k.passes(stranger4, p.Port); got.verdict == "ACCEPT" && !keepsForwarding(k.s) {
			return []string{fmt.Sprintf("too wide: forwarding is accepted for %s %d/tcp, which nobody asked for, by %q", p.Name, p.Port,
				remote.Clean(got.rule).Line(120))}
		}
	}
	return nil
}

// keepsForwarding says that the operator chose to leave the guide's global acceptance as it is.
func keepsForwarding(s *site.Site) bool {
	return s.Guide.Forward == "keep" || s.Guide.Forward == "adopt"
}

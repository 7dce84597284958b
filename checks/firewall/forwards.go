package firewall

import (
	"cmp"
	"fmt"
	"net/netip"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// forwards names what is wrong with what the proxy sends on, by its rules.
// guide: firewall, Port Forwarding Configuration; Configure UFW to Accept Forwarded Packets
func (k knowledge) forwards() []string {
	var wrong []string
	nat := k.rules.Four["nat"]
	if nat == nil {
		nat = &seen.Table{}
	}
	dst := k.own(stranger4)
	for _, f := range forwarded(k.s) {
		src := stranger4
		if len(f.From) > 0 {
			src = want{from: f.From}.sources()[0]
		}
		if src.Is6() {
			continue
		}
		to := netip.AddrPortFrom(k.s.Tunnel.Mail, uint16(f.Port)).String()
		p := seen.Packet{Proto: "tcp", Src: src, Dst: dst, Port: f.Port, In: k.network.Device}
		if got := nat.Lets("PREROUTING", p); got.Verdict != "DNAT" || got.To != to {
			wrong = append(wrong, fmt.Sprintf("missing: %s %d/tcp is not sent to %s", f.Name, f.Port, to))
			continue
		}
		if got := k.passes(src, f.Port); got.Verdict != "ACCEPT" {
			wrong = append(wrong, fmt.Sprintf("missing: %s %d/tcp is sent to %s and then ends in %s by %q", f.Name, f.Port, to,
				cmp.Or(got.Verdict, "nothing"), remote.Clean(got.Rule).Line(120)))
		}
		through := seen.Packet{Proto: "tcp", Src: k.s.Tunnel.Mail, Dst: stranger4, Port: f.Port, In: k.s.Tunnel.Interface, Beyond: true}
		if got := nat.Lets("PREROUTING", through); got.Verdict == "DNAT" {
			wrong = append(wrong, fmt.Sprintf("too wide: %s %d/tcp catches what the mail host sends to others: %q", f.Name, f.Port,
				remote.Clean(got.Rule).Line(120)))
		}
	}
	return append(wrong, k.leaks()...)
}

// passes is what becomes of a connection from outside to the mail host through the tunnel.
func (k knowledge) passes(src netip.Addr, port int) seen.Fate {
	return k.rules.Four["filter"].Lets("FORWARD", seen.Packet{Proto: "tcp", Src: src, Dst: k.s.Tunnel.Mail, Port: port,
		In: k.network.Device, Out: k.s.Tunnel.Interface})
}

// leaks names a global acceptance of forwarding, which the guide sets and nothing needs.
func (k knowledge) leaks() []string {
	for _, p := range k.s.Unwanted() {
		if got := k.passes(stranger4, p.Port); got.Verdict == "ACCEPT" && !keepsForwarding(k.s) {
			return []string{fmt.Sprintf("too wide: forwarding is accepted for %s %d/tcp, which nobody asked for, by %q", p.Name, p.Port,
				remote.Clean(got.Rule).Line(120))}
		}
	}
	return nil
}

// keepsForwarding says that the operator chose to leave the guide's global acceptance as it is.
func keepsForwarding(s *site.Site) bool {
	return s.Guide.Forward == "keep" || s.Guide.Forward == "adopt"
}

package site

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Kept is a service of the operator's own on a host that stays open beside the site's: 3000/tcp for everyone, or
// 8123/tcp@192.168.50.0/24 for that network.
type Kept struct {
	Port  int
	Proto string       // tcp or udp
	From  netip.Prefix // invalid: everyone
}

// IsValid says whether it is one at all.
func (k Kept) IsValid() bool { return k.Port != 0 }

// Sources are where it is open to; nil means everyone.
func (k Kept) Sources() []netip.Prefix {
	if !k.From.IsValid() {
		return nil
	}
	return []netip.Prefix{k.From}
}

// String is the answer that keeps it.
func (k Kept) String() string {
	text := fmt.Sprintf("%d/%s", k.Port, k.Proto)
	if k.From.IsValid() {
		text += "@" + k.From.String()
	}
	return text
}

// KeepsOpen says whether a host keeps a port open to an address; to everyone when that is invalid.
func (h *Host) KeepsOpen(proto string, port int, to netip.Addr) bool {
	return slices.ContainsFunc(h.Keep, func(k Kept) bool {
		return k.Proto == proto && k.Port == port && (!k.From.IsValid() || k.From.Contains(to))
	})
}

// parseKept reads PORT/PROTO or PORT/PROTO@NETWORK.
func parseKept(text string) (Kept, error) {
	service, from, limited := strings.Cut(text, "@")
	at, proto, _ := strings.Cut(service, "/")
	k := Kept{Proto: strings.ToLower(proto)}
	var err error
	if k.Proto != "tcp" && k.Proto != "udp" {
		return Kept{}, fmt.Errorf("%s is not a port and its protocol (such as 3000/tcp, or 8123/tcp@192.168.50.0/24)", quote(text))
	}
	if k.Port, err = parsePort(at); err == nil && limited {
		k.From, err = parseSource(from)
	}
	if err != nil {
		return Kept{}, err
	}
	return k, nil
}

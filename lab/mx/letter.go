package mx

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/mail"
	"net/netip"
	"regexp"
	"time"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dkim"
)

// Letter is what was seen of one message and of who brought it.
type Letter struct {
	Time    time.Time   `json:"time"`
	Client  netip.Addr  `json:"client"`
	Reverse []string    `json:"reverse"` // the client's names, by its address
	Helo    string      `json:"helo"`
	TLS     string      `json:"tls"` // the version, empty without
	From    string      `json:"from"`
	To      []string    `json:"to"`
	SPF     string      `json:"spf"` // pass, fail, softfail …
	DKIM    []Signature `json:"dkim"`
	User    string      `json:"user,omitempty"` // who logged in
}

// Signature is one that the message bears.
type Signature struct {
	Domain   string `json:"domain"`
	Selector string `json:"selector"`
	Result   string `json:"result"` // ok, or what is wrong with it
}

// look makes the Letter of a message, as JSON.
func (s *session) look(ctx context.Context, text []byte) ([]byte, error) {
	found := Letter{Time: time.Now().UTC(), Client: client(s.conn.Conn()), Helo: s.conn.Hostname(), From: s.from, To: s.to}
	if state, is := s.conn.TLSConnectionState(); is {
		found.TLS = tls.VersionName(state.Version)
	}
	found.Reverse, _ = s.server.Resolver.LookupAddr(ctx, found.Client.String()) // many have none
	// An error is told by the result too.
	result, _ := spf.CheckHostWithSender(found.Client.AsSlice(), found.Helo, found.From, spf.WithContext(ctx), spf.WithResolver(s.server.Resolver))
	found.SPF = string(result)
	var err error
	if found.DKIM, err = s.signatures(ctx, text); err != nil {
		return nil, err
	}
	return json.MarshalIndent(found, "", "\t")
}

var selector = regexp.MustCompile(`(?:^|;)\s*s\s*=\s*([^;\s]+)`)

// signatures verifies each, in the order they stand in.
func (s *session) signatures(ctx context.Context, text []byte) ([]Signature, error) {
	m, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	verified, err := dkim.VerifyWithOptions(bytes.NewReader(text), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) { return s.server.Resolver.LookupTXT(ctx, name) }})
	if err != nil {
		return nil, err
	}
	var all []Signature
	for i, v := range verified {
		is := Signature{Domain: v.Domain, Result: "ok"}
		if lines := m.Header["Dkim-Signature"]; i < len(lines) {
			if found := selector.FindStringSubmatch(lines[i]); found != nil {
				is.Selector = found[1]
			}
		}
		if v.Err != nil {
			is.Result = v.Err.Error()
		}
		all = append(all, is)
	}
	return all, nil
}

func client(c net.Conn) netip.Addr {
	from, _ := netip.ParseAddrPort(c.RemoteAddr().String()) // it is one of TCP
	return from.Addr().Unmap()
}

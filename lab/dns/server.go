package dns

import (
	"net"
	"os"
	"path/filepath"

	"github.com/miekg/dns"
)

// Handler answers questions: a Server, or a Resolver.
type Handler = dns.Handler

// Server tells what stands in a folder: one file for each zone, named as its origin is and read anew for each question. A
// file called "silent" keeps it from answering, one called "broken" makes it say SERVFAIL.
type Server struct{ Folder string }

var _ Handler = Server{}

// ServeDNS answers one question.
func (s Server) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	if is(s.Folder, "silent") || len(q.Question) != 1 {
		return
	}
	m := new(dns.Msg).SetReply(q)
	switch z, err := zoneFor(s.Folder, dns.CanonicalName(q.Question[0].Name)); {
	case err != nil || is(s.Folder, "broken"):
		m.Rcode = dns.RcodeServerFailure
	case z == nil:
		m.Rcode = dns.RcodeRefused
	default:
		z.answer(m, q.Question[0])
	}
	reply(w, q, m)
}

func is(folder, name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return err == nil
}

// reply sends an answer, cut to what the asker takes.
func reply(w dns.ResponseWriter, q, m *dns.Msg) {
	size := dns.MaxMsgSize
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		size = dns.MinMsgSize
		if o := q.IsEdns0(); o != nil {
			size = int(o.UDPSize())
		}
	}
	if o := q.IsEdns0(); o != nil {
		m.SetEdns0(dns.DefaultMsgSize, o.Do())
	}
	m.Truncate(size)
	_ = w.WriteMsg(m) // who asked may be gone
}

// Serve answers over UDP and TCP until one of them ends.
func Serve(packets net.PacketConn, conns net.Listener, h Handler) error {
	ended := make(chan error, 2)
	go func() { ended <- (&dns.Server{PacketConn: packets, Handler: h}).ActivateAndServe() }()
	go func() { ended <- (&dns.Server{Listener: conns, Handler: h}).ActivateAndServe() }()
	return <-ended
}

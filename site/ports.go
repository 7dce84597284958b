package site

// NamedPort is a port with what it is for.
type NamedPort struct {
	Name  string // smtp, http, https, submission, imaps: as in ports.NAME and from.NAME
	Proto string // tcp
	Port  int
}

// PublicPorts lists the ports that the world reaches, always in the same order.
func PublicPorts(s *Site) []NamedPort {
	p := s.Ports
	return []NamedPort{
		{"smtp", "tcp", p.SMTP},
		{"http", "tcp", p.HTTP},
		{"https", "tcp", p.HTTPS},
		{"submission", "tcp", p.Submission},
		{"imaps", "tcp", p.IMAPS},
	}
}

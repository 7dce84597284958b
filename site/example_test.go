package site_test

import (
	"fmt"

	"postern/site"
)

// Answers go in by their keys, and every one is read by its Field: what does not fit is refused, with a reason to show.
func Example() {
	s := site.Default()
	for _, answer := range [][2]string{
		{"host.proxy.ssh", "root@203.0.113.10"},
		{"host.mail.ssh", "admin@192.168.1.5"},
		{"ports.imaps", "70000"},
		{"tunnel.network", "10.8.0.0/24"},
	} {
		if err := site.Set(s, answer[0], answer[1]); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(site.Problems(s), s.TunnelAddress(s.Host("mail")))
	f, err := site.FieldOf(s, "ports.imaps")
	fmt.Println(f.Title, f.Get(s), err)
	// Output:
	// ports.imaps: "70000" is not a port (1 to 65535)
	// [] 10.8.0.2
	// IMAPS port 993 <nil>
}

//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestSourcesOfAnotherSuite(t *testing.T) {
	got := swapSuite(`http://archive.example.org/debian/ bookworm main
http://archive.example.org/debian/ bookworm main
http://archive.example.org/debian/ bookworm contrib
http://archive.example.org/debian/ bookworm-updates main
http://archive.example.org/debian-security/ bookworm-security main
http://other.example.org/apt/ stable main
http://flat.example.org/ ./
`, "trixie")
	want := []string{
		"deb http://archive.example.org/debian-security/ trixie-security main",
		"deb http://archive.example.org/debian/ trixie main",
		"deb http://archive.example.org/debian/ trixie-updates main",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestMoveHome(t *testing.T) {
	got := moveHome("root:x:0:0:root:/root:/bin/bash\nd:x:1:1::/root:/bin/sh\n", "/run/home")
	if got != "root:x:0:0:root:/run/home:/bin/bash\nd:x:1:1::/root:/bin/sh\n" {
		t.Errorf("%q", got)
	}
}

func TestParse(t *testing.T) {
	c, err := parse(strings.Fields("proxy --name x --cpu 25 --ssh-port=2222 --docker -- ls --name y"))
	if err != nil || c.Name != "x" || c.SSHPort != 2222 || c.CPU != 25 || !c.Docker || !slices.Equal(c.args, []string{"proxy"}) ||
		!slices.Equal(c.rest, []string{"ls", "--name", "y"}) {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{"--ssh-port many", "--name", "--nosuch x"} {
		if _, err := parse(strings.Fields(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, o := range []Options{{Name: "../x"}, {Name: "A"}, {Suite: "sid"}, {SSHPort: 70000}, {Mail: "exim"}, {CPU: 101}} {
		if _, err := newHandle(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

package demo

import (
	"slices"
	"strings"
)

func chmod(c *call) int {
	if len(c.args) > 0 && c.args[0] == "-R" {
		c.args = c.args[1:]
	}
	if len(c.args) < 2 {
		return c.fail(1, "missing operand")
	}
	status := 0
	for _, name := range c.args[1:] {
		a, err := c.host.files.stat(c.abs(name))
		if err == nil {
			mode, ok := modeOf(c.args[0])
			if !ok {
				mode, ok = symbolic(c.args[0], a.mode)
			}
			if !ok {
				return c.fail(1, "invalid mode: '%s'", c.args[0])
			}
			err = c.host.files.chmod(c.abs(name), mode)
		}
		if err != nil {
			status = c.fail(1, "cannot access '%s': %s", name, why(err))
		}
	}
	return status
}

// modeOf is a mode in octal.
func modeOf(s string) (uint32, bool) {
	var n uint32
	for i := range len(s) {
		if s[i] < '0' || s[i] > '7' {
			return 0, false
		}
		n = n<<3 | uint32(s[i]-'0')
	}
	return n, s != "" && n <= 0o7777
}

// symbolic is a mode such as u+x,go-w.
func symbolic(s string, mode uint32) (uint32, bool) {
	for _, part := range strings.Split(s, ",") {
		at := strings.IndexAny(part, "+-=")
		if at < 0 {
			return 0, false
		}
		who := part[:at]
		if who == "" || strings.Contains(who, "a") {
			who = "ugo"
		}
		var bits, mask uint32
		for i, shift := range []uint32{6, 3, 0} {
			if !strings.Contains(who, "ugo"[i:i+1]) {
				continue
			}
			mask |= 7 << shift
			for j, b := range []uint32{4, 2, 1} {
				if strings.Contains(part[at:], "rwx"[j:j+1]) {
					bits |= b << shift
				}
			}
		}
		switch part[at] {
		case '+':
			mode |= bits
		case '-':
			mode &^= bits
		default:
			mode = mode&^mask | bits
		}
	}
	return mode, true
}

// owners are the users and groups that a fresh Debian has; both lists are the same to us.
var owners = []string{0: "root", 1: "daemon", 2: "bin", 3: "sys", 8: "mail", 33: "www-data"}

// ownerName is the name of a user or a group.
func ownerName(id int) string {
	if id >= 0 && id < len(owners) && owners[id] != "" {
		return owners[id]
	}
	return "UNKNOWN"
}

// ownerID is the number of a user or a group.
func ownerID(s string) (int, bool) {
	if i := slices.Index(owners, s); i >= 0 && s != "" {
		return i, true
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, s != ""
}

func chown(c *call) int {
	_, names := c.options("Rh")
	if len(names) < 2 {
		return c.fail(1, "missing operand")
	}
	user, group, both := strings.Cut(names[0], ":")
	uid, gid := -1, -1
	var ok bool
	if user != "" {
		if uid, ok = ownerID(user); !ok {
			return c.fail(1, "invalid user: '%s'", names[0])
		}
	}
	if both && group != "" {
		if gid, ok = ownerID(group); !ok {
			return c.fail(1, "invalid group: '%s'", names[0])
		}
	}
	status := 0
	for _, name := range names[1:] {
		if err := c.host.files.chown(c.abs(name), uid, gid); err != nil {
			status = c.fail(1, "cannot access '%s': %s", name, why(err))
		}
	}
	return status
}

package demo

import (
	"fmt"
	"path"
	"sort"
	"strconv"
	"strings"
	"time"
)

func init() {
	for name, run := range map[string]func(*call) int{"stat": stat, "ls": ls, "find": find, "df": df, "du": du} {
		register(name, run)
	}
}

// stat knows the -c of Linux only, as Debian's does.
func stat(c *call) int {
	got, names := c.options("Lc:ft")
	form, ok := got["c"]
	if !ok {
		return c.fail(1, "only -c is modelled")
	}
	status := 0
	for _, name := range names {
		a, err := c.host.look(c.abs(name), has(got, "L"))
		if err != nil {
			status = c.fail(1, "cannot statx '%s': %s", name, why(err))
			continue
		}
		c.out("%s\n", a.format(form, name))
	}
	return status
}

// format fills in what stat -c knows.
func (a about) format(form, name string) string {
	var b strings.Builder
	for i := 0; i < len(form); i++ {
		if form[i] != '%' || i+1 == len(form) {
			b.WriteByte(form[i])
			continue
		}
		i++
		switch form[i] {
		case 'a':
			fmt.Fprintf(&b, "%o", a.mode)
		case 'u':
			fmt.Fprint(&b, a.uid)
		case 'g':
			fmt.Fprint(&b, a.gid)
		case 'U':
			b.WriteString(ownerName(a.uid))
		case 'G':
			b.WriteString(ownerName(a.gid))
		case 's':
			fmt.Fprint(&b, a.size)
		case 'i':
			fmt.Fprint(&b, a.inode)
		case 'h':
			fmt.Fprint(&b, a.links)
		case 'n':
			b.WriteString(name)
		case 'Y', 'Z', 'X':
			fmt.Fprint(&b, a.changed.Unix())
		case 'F':
			b.WriteString(a.kindName())
		case '%':
			b.WriteByte('%')
		default:
			b.WriteString("?")
		}
	}
	return b.String()
}

func (a about) kindName() string {
	switch {
	case a.kind == folder:
		return "directory"
	case a.kind == symlink:
		return "symbolic link"
	case a.size == 0 && a.kind == plain:
		return "regular empty file"
	}
	return "regular file"
}

// ls lists names, one a line, as it does where there is no terminal.
func ls(c *call) int {
	got, names := c.options("1adltrAhnS")
	if len(names) == 0 {
		names = []string{"."}
	}
	type one struct {
		name string
		about
	}
	var plainOnes []one
	status := 0
	show := func(list []one) {
		sort.SliceStable(list, func(i, j int) bool {
			if has(got, "t") && !list[i].changed.Equal(list[j].changed) {
				return list[i].changed.After(list[j].changed)
			}
			return list[i].name < list[j].name
		})
		for _, o := range list {
			if has(got, "l") {
				c.out("%s %d %s %s %d %s ", entry(o).Mode(), o.links, ownerName(o.uid), ownerName(o.gid), o.size, o.changed.UTC().Format("Jan _2 15:04"))
			}
			c.out("%s\n", o.name)
		}
	}
	var folders []string
	for _, name := range names {
		a, err := c.host.look(c.abs(name), false)
		if err != nil {
			status = c.fail(2, "cannot access '%s': %s", name, why(err))
			continue
		}
		if target, err := c.host.files.stat(c.abs(name)); err == nil && target.kind == folder && !has(got, "d") {
			folders = append(folders, name)
			continue
		}
		plainOnes = append(plainOnes, one{name, a})
	}
	show(plainOnes)
	for _, dir := range folders {
		if len(names) > 1 {
			c.out("%s:\n", dir)
		}
		all, _ := c.host.files.list(c.abs(dir))
		var list []one
		for _, name := range all {
			if strings.HasPrefix(name, ".") && !has(got, "a", "A") {
				continue
			}
			if a, err := c.host.files.lstat(path.Join(c.abs(dir), name)); err == nil {
				list = append(list, one{name, a})
			}
		}
		show(list)
	}
	return status
}

// find knows -maxdepth, -mindepth, -name, -type, -mtime, -newer, -print and -delete.
func find(c *call) int {
	var roots []string
	args := c.args
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		roots, args = append(roots, args[0]), args[1:]
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	opts := map[string]string{}
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-print", "-delete", "-xdev":
			opts[args[i]] = ""
		default:
			if i+1 == len(args) {
				return c.fail(1, "missing argument to '%s'", args[i])
			}
			opts[args[i]] = args[i+1]
			i++
		}
	}
	status := 0
	for _, root := range roots {
		if _, err := c.host.files.lstat(c.abs(root)); err != nil {
			status = c.fail(1, "'%s': %s", root, why(err))
			continue
		}
		c.findIn(root, 0, opts)
	}
	return status
}

func (c *call) findIn(name string, depth int, opts map[string]string) {
	a, err := c.host.files.lstat(c.abs(name))
	if err != nil || c.ctx.Err() != nil {
		return
	}
	deepest, bounded := opts["-maxdepth"]
	most, _ := strconv.Atoi(deepest)
	down := func() {
		if a.kind != folder || bounded && depth >= most {
			return
		}
		names, _ := c.host.files.list(c.abs(name))
		for _, n := range names {
			c.findIn(strings.TrimSuffix(name, "/")+"/"+n, depth+1, opts)
		}
	}
	least, _ := strconv.Atoi(opts["-mindepth"])
	fits := depth >= least && c.found(name, a, opts)
	if has(opts, "-delete") {
		down()
		if fits {
			c.host.files.remove(c.abs(name))
		}
		return
	}
	if fits {
		c.out("%s\n", name)
	}
	down()
}

// found tells whether a file is what find was asked for.
func (c *call) found(name string, a about, opts map[string]string) bool {
	if pat, ok := opts["-name"]; ok && !match(pat, path.Base(name)) {
		return false
	}
	if want, ok := opts["-type"]; ok {
		if got := map[kind]string{plain: "f", device: "f", folder: "d", symlink: "l"}[a.kind]; got != want {
			return false
		}
	}
	if days, ok := opts["-mtime"]; ok {
		old := int(c.host.files.now().Sub(a.changed) / (24 * time.Hour))
		n, _ := strconv.Atoi(strings.TrimLeft(days, "+-"))
		if days[0] == '-' && old >= n || days[0] == '+' && old <= n || days[0] != '-' && days[0] != '+' && old != n {
			return false
		}
	}
	if ref, ok := opts["-newer"]; ok {
		b, err := c.host.files.stat(c.abs(ref))
		return err == nil && a.changed.After(b.changed)
	}
	return true
}

// df shows one disk of 40 GB, a tenth of it in use.
func df(c *call) int {
	c.out("Filesystem     1024-blocks    Used Available Capacity Mounted on\n/dev/sda1         41152736 4115273  37037463      10%% /\n")
	return 0
}

func du(c *call) int {
	_, names := c.options("skhd:")
	for _, name := range names {
		c.out("4\t%s\n", name)
	}
	return 0
}

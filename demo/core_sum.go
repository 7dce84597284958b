package demo

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
)

func sha256sum(c *call) int {
	_, names := c.options("b")
	return c.inputs(names, func(name, text string) {
		sum := sha256.Sum256([]byte(text))
		c.out("%s  %s\n", hex.EncodeToString(sum[:]), name)
	})
}

func tee(c *call) int {
	got, names := c.options("a")
	b, _ := io.ReadAll(c.stdin)
	c.stdout.Write(b)
	status := 0
	for _, name := range names {
		mode := modeWrite | modeCreate | modeTruncate
		if has(got, "a") {
			mode = modeWrite | modeCreate | modeAppend
		}
		f, err := c.host.openFile(c.abs(name), mode, 0o666&^c.proc.umask)
		if err != nil {
			status = c.fail(1, "%s: %s", name, why(err))
			continue
		}
		if _, err := f.write(c.ctx, b); err != nil {
			status = c.fail(1, "%s: %s", name, why(err))
		}
		f.close()
	}
	return status
}

func seq(c *call) int {
	n := len(c.args)
	if n == 0 {
		return c.fail(1, "missing operand")
	}
	from := 1
	to, _ := strconv.Atoi(c.args[n-1])
	if n > 1 {
		from, _ = strconv.Atoi(c.args[0])
	}
	for i := from; i <= to; i++ {
		c.out("%d\n", i)
	}
	return 0
}

func base64Command(c *call) int {
	got, names := c.options("dw:")
	status := 0
	read := c.inputs(names, func(_, text string) {
		if !has(got, "d", "decode") {
			c.out("%s\n", base64.StdEncoding.EncodeToString([]byte(text)))
			return
		}
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		c.stdout.Write(b)
		if err != nil {
			status = c.fail(1, "invalid input")
		}
	})
	return max(status, read)
}

func wc(c *call) int {
	got, names := c.options("lcwm")
	return c.inputs(names, func(name, text string) {
		counts := []string{}
		all := !has(got, "l", "c", "w", "m")
		if all || has(got, "l") {
			counts = append(counts, strconv.Itoa(strings.Count(text, "\n")))
		}
		if all || has(got, "w") {
			counts = append(counts, strconv.Itoa(len(strings.Fields(text))))
		}
		if all || has(got, "c", "m") {
			counts = append(counts, strconv.Itoa(len(text)))
		}
		if len(names) > 0 {
			counts = append(counts, name)
		}
		c.out("%s\n", strings.Join(counts, " "))
	})
}

func cmpFiles(c *call) int {
	got, names := c.options("s")
	if len(names) == 1 {
		names = append(names, "-")
	}
	if len(names) != 2 {
		return c.fail(2, "missing operand")
	}
	a, err1 := c.load(names[0])
	b, err2 := c.load(names[1])
	for i, err := range []error{err1, err2} {
		if err != nil {
			if !has(got, "s") {
				c.fail(2, "%s: %s", names[i], why(err))
			}
			return 2
		}
	}
	if a == b {
		return 0
	}
	if !has(got, "s") {
		c.out("%s %s differ\n", names[0], names[1])
	}
	return 1
}

package pf

import (
	"fmt"
	"strconv"
	"strings"
)

// text is one of the rules that a rule stands for, as pfctl -P prints it. It is false where that is not known.
func (r *Rule) text(c combination, release Release) (string, bool) {
	w := &strings.Builder{}
	exact := r.exact && !r.never
	exact = r.head(w, c, release) && exact
	if c.family != 0 {
		w.WriteString(map[int]string{4: " inet", 6: " inet6"}[c.family])
	}
	if c.proto != "" {
		w.WriteString(" proto " + c.proto)
	}
	if c.src.all() && c.dst.all() && c.sport == nil && c.dport == nil {
		w.WriteString(" all")
	} else {
		w.WriteString(" from " + c.src.text(c.family) + c.sport.text() + " to " + c.dst.text(c.family) + c.dport.text())
	}
	exact = r.tail(w, c) && exact
	return w.String(), exact
}

func (r *Rule) head(w *strings.Builder, c combination, release Release) (exact bool) {
	exact = true
	if r.No {
		w.WriteString("no ")
	}
	w.WriteString(r.Action)
	if strings.HasSuffix(r.Action, "anchor") && r.Anchor != "" {
		name := r.Anchor
		if parent, ok := strings.CutSuffix(name, "/*"); release == R12_2 && ok {
			name, exact = "/*", !strings.Contains(parent, "/")
		} else if strings.Contains(name, "/") {
			exact = release != R12_2 && ok
		}
		w.WriteString(` "` + name + `"`)
	}
	if r.Pass {
		w.WriteString(" pass")
	}
	for _, s := range []string{r.Return, r.Dir, r.Log} {
		if s != "" {
			w.WriteString(" " + s)
		}
	}
	if r.Quick {
		w.WriteString(" quick")
	}
	if c.on != nil && c.on.Not {
		w.WriteString(" on ! " + c.on.Name)
	} else if c.on != nil {
		w.WriteString(" on " + c.on.Name)
	}
	return exact
}

func (r *Rule) tail(w *strings.Builder, c combination) (exact bool) {
	exact = true
	tcp := c.proto == "" || c.proto == "tcp"
	if tcp && r.Flags != "" && (r.Flags != "any" || r.State != "no") {
		w.WriteString(" flags " + r.Flags)
	}
	if c.icmp != nil {
		w.WriteString(map[bool]string{false: " icmp-type ", true: " icmp6-type "}[c.family == 6] + c.icmp.Type)
		if c.icmp.Code != "" {
			w.WriteString(" code " + c.icmp.Code)
		}
	}
	if state := r.State; r.Action == "pass" {
		if (state == "modulate" || state == "synproxy") && !tcp {
			state = "keep"
		}
		w.WriteString(" " + state + " state")
	}
	limits, known := r.limited()
	w.WriteString(limits)
	if r.Action == "scrub" && !r.No {
		w.WriteString(r.scrubs + " fragment reassemble")
	}
	if r.options {
		w.WriteString(" allow-opts")
	}
	for _, label := range r.Labels {
		text, ok := expandLabel(label, c)
		w.WriteString(` label "` + text + `"`)
		exact = exact && ok
	}
	if r.Tag != "" {
		w.WriteString(" tag " + r.Tag)
	}
	w.WriteString(r.tagged)
	if r.Pool != nil {
		w.WriteString(r.Pool.text(c.family))
	}
	return exact && known
}

func expandLabel(label string, c combination) (string, bool) {
	ports := func(p *Ports) string {
		switch {
		case p == nil || p.Op == ":":
			return ""
		case p.Op == "=":
			return strconv.Itoa(p.A)
		case p.Op == "><" || p.Op == "<>":
			return strconv.Itoa(p.A) + p.Op + strconv.Itoa(p.B)
		}
		return p.Op + strconv.Itoa(p.A)
	}
	on := "any"
	if c.on != nil {
		on = c.on.Name
	}
	proto := c.proto
	exact := proto != "" || !strings.Contains(label, "$proto")
	text := strings.NewReplacer("$if", on, "$srcaddr", c.src.text(c.family), "$dstaddr", c.dst.text(c.family), "$srcport", ports(c.sport),
		"$dstport", ports(c.dport), "$proto", proto).Replace(label)
	return text, exact && !strings.Contains(text, "$") && !strings.ContainsAny(text, "\"\\\n") && len(text) < 64
}

func (l *Pool) text(family int) string {
	var to []string
	for _, a := range l.To {
		a.Not = false
		to = append(to, a.text(family))
	}
	text := " " + l.Word + " " + strings.Join(to, ", ")
	if len(to) > 1 {
		text = " " + l.Word + " { " + strings.Join(to, ", ") + " }"
	}
	if l.First > 0 && !(l.Word == "->" && l.First == 50001 && l.Last == 65535) {
		text += " port " + strconv.Itoa(l.First)
		if l.Last > 0 && l.Last != l.First {
			text += ":" + strconv.Itoa(l.Last)
		}
	}
	if l.Kind != "" {
		text += " " + l.Kind
	}
	if l.Sticky {
		text += " sticky-address"
	}
	if l.Static {
		text += " static-port"
	}
	return text
}

// all says whether it is every host.
func (a *Address) all() bool { return a == nil || a.Kind == Net && a.Prefix.Bits() == 0 && !a.Not }

// text is the address as pfctl prints it.
func (a *Address) text(family int) string {
	if a == nil {
		return "any"
	}
	text := a.written
	if full := map[int]int{4: 32}[family]; a.Kind == Dynamic && a.Bits >= 0 && (full == 0 || a.Bits < full) && a.Bits < 128 {
		text += "/" + strconv.Itoa(a.Bits)
	}
	if a.Not {
		return "! " + text
	}
	return text
}

// String is the address as pfctl prints it.
func (a Address) String() string { return a.text(0) }

// text is the port as pfctl -P prints it behind a host.
func (p *Ports) text() string {
	switch {
	case p == nil:
		return ""
	case p.Op == ":":
		return fmt.Sprintf(" port %d:%d", p.A, p.B)
	case p.Op == "><" || p.Op == "<>":
		return fmt.Sprintf(" port %d %s %d", p.A, p.Op, p.B)
	}
	return fmt.Sprintf(" port %s %d", p.Op, p.A)
}

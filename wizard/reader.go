package wizard

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"postern/remote"
	"postern/report"
	"postern/wizard/draw"
)

// readerPage shows a long text over the whole screen, where nothing stands between its parts, and searches in it.
type readerPage struct {
	*board
	readMsg
	draw.Scroll
	aside       int            // columns left of what is seen, where a word is wider than the screen
	typed       *draw.Editor   // what to look for, while it is typed
	sought      *regexp.Regexp // what was looked for, nil when nothing is
	hits        []int          // the rows that have it
	at          int            // which of them is shown
	width, wide int            // for which rows was made, and the widest of them
	rows        []draw.Line
}

// readMsg has a text read: in the operator's pager, or on a page where there is none.
type readMsg struct {
	title string
	text  []report.Line
	from  int  // the first row in sight
	here  bool // on a page in any case
}

// paging is what runs in the screen's place. It has the terminal from outside.
type paging func() error

func (p paging) Run() error          { return p() }
func (paging) SetStdin(io.Reader)    {}
func (paging) SetStdout(io.Writer)   {}
func (paging) SetStderr(_ io.Writer) {}

// read opens a text. While the engine is at work it is read on a page: a pager holds all messages back, and hosts would wait.
func (w *shell) read(m readMsg) tea.Cmd {
	p := &readerPage{board: &w.board, readMsg: m, Scroll: draw.Scroll{Offset: m.from}}
	show := w.o.Pager
	if m.here || show == nil || w.busy != nil && !w.waits() {
		return w.take(openMsg{p})
	}
	return tea.Exec(paging(func() error { return show(report.Text(m.text)) }), func(err error) tea.Msg {
		if err == nil {
			return nil
		}
		return all{openMsg{p}, noteMsg("the pager did not work: " + remote.Words(err))}
	})
}

// reads does what the keys for long texts do, on every page that has one and no other use for the key. It says whether it was one.
func (w *shell) reads(press string) (tea.Cmd, bool) {
	v := w.seen()
	if w.helping != nil {
		v = w.helping.page.View(w.pageWidth(), w.bodyHeight())
	}
	switch {
	case v.typing:
	case press == "l" && w.log() != "":
		return w.take(readLog(w.log())), true
	case v.text != nil && (press == "o" || press == "/" && !v.filters):
		w.helping = nil
		cmd := w.read(readMsg{title: v.title, text: v.text(), here: press == "/"})
		if press == "/" {
			cmd = tea.Batch(cmd, w.toTop(tea.KeyPressMsg{Code: '/', Text: "/"}))
		}
		return cmd, true
	}
	return nil, false
}

// readLog reads this run's log as far as it is written.
func readLog(path string) tea.Cmd {
	return func() tea.Msg {
		raw, err := os.ReadFile(path)
		if err != nil {
			return noteMsg("the log cannot be read: " + remote.Words(err))
		}
		m := readMsg{title: "log of this run", from: 1 << 30}
		for line := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n") {
			m.text = append(m.text, report.Line{Text: line})
		}
		return m
	}
}

// Update takes keys.
func (p *readerPage) Update(m tea.Msg) tea.Msg {
	k, ok := m.(tea.KeyPressMsg)
	press := k.String()
	switch {
	case !ok:
	case p.typed != nil:
		return p.search(k)
	case p.Scroll.Key(press):
	case press == "left" || press == "right":
		p.aside = max(0, min(p.aside+when(press == "right", p.width/2, -p.width/2), p.wide-p.width))
	case press == "/":
		p.typed = draw.NewEditor(p.theme, "", nil, false)
	case (press == "n" || press == "N") && len(p.hits) > 0:
		p.show(p.at + when(press == "n", 1, len(p.hits)-1))
	case press == "esc" && p.sought != nil:
		p.sought, p.hits = nil, nil
	case press == "esc" || press == "q":
		return backMsg{}
	case press == "y":
		return all{tea.SetClipboard(report.Text(p.text)), noteMsg("copied, where the terminal allows it")}
	}
	return nil
}

// search is a key while what to look for is typed. What is not there is said, and forgotten.
func (p *readerPage) search(k tea.KeyPressMsg) tea.Msg {
	switch k.String() {
	case "esc":
		p.typed = nil
	case "enter":
		words := strings.TrimSpace(p.typed.Value)
		p.typed, p.sought, p.at = nil, nil, 0
		p.sought = regexp.MustCompile("(?i)" + regexp.QuoteMeta(words))
		if p.find(); len(p.hits) == 0 {
			p.sought = nil
			return noteMsg("nowhere here: " + words)
		}
		p.show(0)
	default:
		p.typed.Update(k)
	}
	return nil
}

// find lists the rows that have what is looked for, also where it goes on in the next row.
func (p *readerPage) find() {
	p.hits = nil
	for i, next := len(p.rows)-1, ""; i >= 0 && p.sought != nil; i-- {
		text := p.rows[i].String()
		if p.sought.MatchString(text) || p.sought.MatchString(text+" "+next) && !p.sought.MatchString(next) {
			p.hits = append([]int{i}, p.hits...)
		}
		next = strings.TrimLeft(text, " ")
	}
}

// show brings one of the hits into sight.
func (p *readerPage) show(hit int) {
	p.at = hit % len(p.hits)
	if row := p.hits[p.at]; row < p.Offset || row >= p.Offset+p.Room {
		p.Offset = max(0, row-p.Room/3)
	}
	text := p.rows[p.hits[p.at]].String()
	in := append(p.sought.FindStringIndex(text), 0, 0) // none where it goes on in the next row
	p.aside = max(0, min(draw.Columns(text[:in[1]])-p.width, p.wide-p.width))
}

// View is as much of the text as there is room for.
func (p *readerPage) View(width, height int) view {
	v := view{title: p.title, holds: true, typing: p.typed != nil, help: readerHelp, keys: []key{{"/", "search"}, {"up/down", "scroll"}, {"y", "copy"}}}
	if p.width != width {
		p.width, p.rows, p.wide, p.aside = width, draw.Whole(p.text, width), 0, 0
		for _, l := range p.rows {
			p.wide = max(p.wide, draw.Columns(l.String()))
		}
		p.find()
	}
	switch {
	case p.typed != nil:
		v.keys = []key{{"enter", "search"}}
		v.pinned = []draw.Line{draw.Row(draw.Text(draw.Strong, "/ "), p.typed.Draw(width-4))}
	case p.sought != nil:
		v.keys = append([]key{{"n/N", "next, one before"}}, v.keys...)
		v.pinned = []draw.Line{draw.Say(draw.Strong, "%s", draw.Short(fmt.Sprintf("%d of %s: %s (esc ends it)", min(p.at+1, len(p.hits)), report.Plural(len(p.hits), "line"), strings.TrimPrefix(p.sought.String(), "(?i)")), width))}
	}
	if p.wide > width {
		v.keys = append(v.keys, key{"left/right", "sideways"})
	}
	p.Room = height - len(v.pinned)
	p.Most = max(0, len(p.rows)-p.Room)
	p.By(0)
	for _, l := range p.rows[p.Offset:min(len(p.rows), p.Offset+p.Room)] {
		v.add(p.marked(l, width))
	}
	if p.Most > 0 {
		v.where = fmt.Sprintf("%d-%d of %d  pgup pgdn", p.Offset+1, p.Offset+len(v.lines), len(p.rows))
	}
	return v
}

// marked is the part of a row that is in sight, with what is looked for reversed.
func (p *readerPage) marked(l draw.Line, width int) draw.Line {
	text := l.String()
	if p.wide > width {
		text = ansi.Cut(text, p.aside, p.aside+width)
	}
	var out draw.Line
	s, from := l.Spans[0].Style, 0
	if p.sought != nil {
		for _, in := range p.sought.FindAllStringIndex(text, -1) {
			out.Spans = append(out.Spans, draw.Text(s, text[from:in[0]]), draw.Text(draw.Chosen, text[in[0]:in[1]]))
			from = in[1]
		}
	}
	return draw.Row(append(out.Spans, draw.Text(s, text[from:]))...)
}

const readerHelp = `A long text over the whole screen, where it can be selected and copied: a line breaks between words only.
/ searches: type, enter; n goes to the next line that has it, N to the one before, esc ends it. y copies all of it.
With PAGER set, or where there is a less, o opens long texts there, but not while hosts are at work.`

package wizard

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/site"
	"postern/wizard/draw"
)

// Sizes in columns and rows.
const (
	leastWidth  = 40
	leastHeight = 12
	besideFrom  = 72 // the chapters stand beside the page from this width on, but beside a text over the whole screen
	beside      = 21 // how wide they are, with the line before them
	framing     = 3  // how much of a row the frame around the page takes: a line and a blank before it, a line behind it
	chrome      = 4  // header and line above, line and keys below
)

// small says whether the screen is below the floor.
func (w *shell) small() bool { return w.width < leastWidth || w.height < leastHeight }

// framed says whether the chapters stand beside the page, and a frame around it.
func (w *shell) framed() bool {
	_, over := w.top().page.(*readerPage)
	return w.width >= besideFrom && !over
}

// pageWidth is how wide a page is.
func (w *shell) pageWidth() int {
	if w.framed() {
		return w.width - beside - framing
	}
	return w.width
}

func (w *shell) bodyHeight() int { return w.height - chrome }

// seen is what the page on top shows at this size, or the prompt over it.
func (w *shell) seen() view {
	if len(w.prompts) > 0 {
		return w.prompts[0].View(w.pageWidth(), w.bodyHeight())
	}
	return w.readable(w.top().page.View(w.pageWidth(), w.bodyHeight()-len(w.noticed())))
}

// readable names the keys that read the page's long text, where it has one and no other use for them.
func (w *shell) readable(v view) view {
	if v.text != nil && !v.typing {
		v.keys = append(v.keys, []key{{"o", "read all"}, {"/", "search"}}[:when(v.filters, 1, 2)]...)
	}
	return v
}

// noticed is the notice, in the rows it takes.
func (w *shell) noticed() []draw.Line {
	if w.notice == "" {
		return nil
	}
	return draw.Inset(draw.Strong, w.notice, w.pageWidth())
}

// View is the whole screen.
func (w *shell) View() tea.View {
	return tea.View{AltScreen: true, Content: strings.Join(w.rows(), "\n"), WindowTitle: "postern"}
}

// rows are the screen's rows, each as wide as the screen at most, and no more than it has.
func (w *shell) rows() []string {
	if w.width <= 0 || w.height <= 0 {
		return nil
	}
	if w.small() {
		return w.tooSmall()
	}
	v, over := w.seen(), w.top()
	if len(w.prompts) > 0 {
		over = w.prompts[0].layer
	}
	if w.helping != nil {
		over = w.helping
		v = w.readable(over.page.View(w.pageWidth(), w.bodyHeight()))
	}
	v.pinned = append(w.noticed(), v.pinned...)
	body, where := w.body(v, over)
	return append(append([]string{w.theme.Draw(w.header(v), w.width)}, w.boxed(body, where)...), w.theme.Draw(w.keys(v), w.width))
}

// boxed draws a frame around the page, which has the focus, and beside it the chapters where there is room; a narrow screen
// has a line above and a line below it.
func (w *shell) boxed(body []draw.Line, where string) []string {
	if !w.framed() {
		rows := []string{w.theme.Draw(draw.Rule(w.o.Simulated, "", w.width), w.width)}
		for _, l := range body {
			rows = append(rows, w.theme.Draw(l, w.width))
		}
		return append(rows, w.theme.Draw(draw.Rule("", where, w.width), w.width))
	}
	inside := w.width - beside - 2
	edge := func(left, between, right string, side, l draw.Line) string {
		line := func(text string) string { return w.theme.Draw(draw.Say(draw.Frame, "%s", text), 2) }
		page := func(l draw.Line, width int) string { return w.theme.Draw(draw.Fill(l, width), width) }
		return line(left) + w.theme.Draw(draw.Fill(side, beside-1), beside-1) + line(between) + page(l, w.width-beside-draw.Columns(between)-1) + line(right)
	}
	left := w.sidebar()
	rows := []string{edge("╭", "┬", "╮", draw.Rule("Chapters", "", beside-1), draw.Rule(w.o.Simulated, "", inside))}
	for i, l := range body {
		side := draw.Line{}
		if i < len(left) {
			side = left[i]
		}
		outer, between, right := draw.Down, draw.Down+" ", draw.Down
		if side.Rule {
			outer, between = "├", "┤ "
		}
		if l.Rule {
			l.Spans = append([]draw.Span{draw.Text(draw.Frame, draw.Across)}, l.Spans...)
			between, right = when(side.Rule, "┼", "├"), "┤"
		}
		rows = append(rows, edge(outer, between, right, side, l))
	}
	return append(rows, edge("╰", "┴", "╯", draw.Rule("", "", beside-1), draw.Rule("", where, inside)))
}

// body lays the page's lines out in the rows there are, scrolled so that its focus is in sight, and says what is seen.
func (w *shell) body(v view, l *layer) (lines []draw.Line, where string) {
	height := w.bodyHeight()
	pinned := v.pinned
	if most := max(1, height/2); len(pinned) > most {
		pinned = pinned[:most]
	}
	room := height - len(pinned)
	l.Room, l.Most = room, max(0, len(v.lines)-room)
	if v.focus != l.focus {
		l.focus = v.focus
		if v.focus < l.Offset {
			l.Offset = v.focus
		} else if v.focus >= l.Offset+room {
			l.Offset = v.focus - room + 1
		}
	}
	l.By(0)
	for i := range room {
		if at := l.Offset + i; at < len(v.lines) {
			lines = append(lines, v.lines[at])
		} else {
			lines = append(lines, draw.Line{})
		}
	}
	if where = v.where; l.Most > 0 {
		where = fmt.Sprintf("%d-%d of %d  pgup pgdn", l.Offset+1, min(l.Offset+room, len(v.lines)), len(v.lines))
	}
	return append(lines, pinned...), where
}

// header says which site, which chapter and which page. What is in the way goes from the middle.
func (w *shell) header(v view) draw.Line {
	right := v.title
	if c := w.chapter(w.at); c != nil {
		right = fmt.Sprintf("%d of %d  %s", c.step.Chapter, len(w.chapters), c.step.Title)
		if v.title != "" {
			right += " / " + v.title
		}
	}
	left := "postern"
	if name := w.name(); name != "" {
		left += "  " + draw.Middle(name, max(8, w.width-len(left)-len(right)-6))
	}
	gap := w.width - draw.Columns(left) - draw.Columns(right)
	if gap < 2 {
		left, gap = "postern", max(2, w.width-len("postern")-draw.Columns(right))
	}
	return draw.Row(draw.Text(draw.Strong, left), draw.Text(draw.Plain, strings.Repeat(" ", max(1, gap))), draw.Text(draw.Strong, right))
}

// sidebar lists the chapters with their state, and the hosts.
func (w *shell) sidebar() []draw.Line {
	var lines []draw.Line
	for _, c := range w.chapters {
		mark := " "
		if c.step.ID == w.at {
			mark = ">"
		}
		l := draw.Row(draw.Text(draw.Plain, fmt.Sprintf("%s%d %s ", mark, c.step.Chapter, draw.Pad(c.step.Title, 9))), draw.Text(c.state.style(), string(c.state)))
		l.Chosen = c.step.ID == w.at
		lines = append(lines, l)
	}
	if w.file == nil {
		return nil
	}
	lines = append(lines, draw.Line{}, draw.Rule("Hosts", "", beside-1))
	for _, h := range w.file.Site.Hosts {
		lines = append(lines, w.hostLine(h))
	}
	switch {
	case w.busy != nil && w.waits():
		lines = append(lines, draw.Line{}, draw.Say(draw.Strong, " waits for you"))
	case w.busy != nil:
		lines = append(lines, draw.Line{}, draw.Say(draw.Plain, " %s %s", doing[w.busy.verb], clock(w.elapsed())))
	}
	return lines
}

// waits says whether the engine waits for an answer of the operator.
func (w *shell) waits() bool {
	r, reviewing := w.top().page.(*reviewPage)
	return len(w.prompts) > 0 || reviewing && r.m.answer != nil && !r.over
}

// doing says what the engine does now.
var doing = map[verb]string{look: "looking", apply: "at work", check: "checking", undo: "taking back", why: "finding out"}

func (w *shell) hostLine(h *site.Host) draw.Line {
	mark, s := "[  ]", draw.Plain
	if ok, tried := w.reached[h.Name]; tried {
		mark, s = when(ok, "[ok]", "[FAIL]"), when(ok, draw.Good, draw.Bad)
	}
	return draw.Row(draw.Text(draw.Plain, " "+draw.Pad(h.Name, 7)+" "), draw.Text(s, mark), draw.Text(draw.Plain, when(h.Local, " here", " ssh")))
}

// keys is the bottom row: the page's keys as far as they fit, and always the way out.
func (w *shell) keys(v view) draw.Line {
	last := "? help  ctrl+c quit"
	if v.typing {
		last = "F1 help  ctrl+c quit"
	}
	if w.width < 60 {
		last = strings.Replace(last, " help", "", 1)
	}
	if w.touching() {
		last = "ctrl+c stop"
	}
	shown, width := []draw.Span{}, 0
	add := func(press, does string) {
		if len(shown) > 0 {
			press = "  " + press
		}
		shown = append(shown, draw.Text(draw.Strong, press), draw.Text(draw.Plain, " "+does))
		width += len(press) + len(does) + 3
	}
	for _, k := range v.keys {
		if width+len(k.press)+len(k.does)+3+len(last)+len("esc back  ") > w.width {
			break // help lists the rest
		}
		add(k.press, k.does)
	}
	if len(w.pages) > 1 || len(w.prompts) > 0 || w.helping != nil {
		add("esc", "back")
	}
	for part := range strings.SplitSeq(last, "  ") {
		press, does, _ := strings.Cut(part, " ")
		add(press, does)
	}
	return draw.Row(shown...)
}

// tooSmall is what is shown below the floor.
func (w *shell) tooSmall() []string {
	var rows []string
	text := fmt.Sprintf("postern: %dx%d is too small;\nmake it %dx%d at least.\nctrl+c saves and leaves.", w.width, w.height, leastWidth, leastHeight)
	for _, l := range draw.Prose(draw.Plain, text, w.width) {
		rows = append(rows, w.theme.Draw(l, w.width))
	}
	return rows[:min(len(rows), w.height)]
}

//go:build unix

package main

import (
	"fmt"
	"html"
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// cell is one place of a screen as the wizard may draw it: in the terminal's own colours or in one of 1 to 6, bold, reversed.
type cell struct {
	text          string
	colour        int // 0 for the terminal's own
	bold, reverse bool
}

type row []cell

// picture is a screen.
type picture []row

func (r row) text() string {
	var b strings.Builder
	for _, c := range r {
		b.WriteString(c.text)
	}
	return b.String()
}

func (p picture) text() string {
	var b strings.Builder
	for _, r := range p {
		b.WriteString(strings.TrimRight(r.text(), " ") + "\n")
	}
	return b.String()
}

// Attributes of the emulator's cells.
const (
	attrBold    = 1 << 0
	attrReverse = 1 << 5
)

// picture is the screen as it was drawn last, with what varies made steady.
func (g *glass) picture() picture {
	var p picture
	for y := range g.term.Height() {
		var r row
		for x := range g.term.Width() {
			c := cell{text: " "}
			if on := g.term.CellAt(x, y); on != nil && on.Content != "" {
				c.text, c.bold, c.reverse = on.Content, on.Style.Attrs&attrBold != 0, on.Style.Attrs&attrReverse != 0
				if on.Style.Attrs&^(attrBold|attrReverse) != 0 || on.Style.Bg != nil || utf8.RuneCountInString(c.text) != 1 {
					g.t.Errorf("%q at row %d, column %d is more than a picture shows: %+v", on.Content, y+1, x+1, on.Style)
				}
				switch fg := on.Style.Fg.(type) {
				case nil:
				case ansi.BasicColor:
					c.colour = int(fg)
				default:
					g.t.Errorf("row %d, column %d: %v is none of the colours 1 to 6", y+1, x+1, fg)
				}
			}
			r = append(r, c)
		}
		for x, letter := range []rune(steady(r.text())) {
			r[x].text = string(letter)
		}
		r.blanks()
		p = append(p, r)
	}
	return inOrder(p)
}

// blanks gives blanks the look of what stands around them, where that is one: how the renderer came by a blank does not show.
func (r row) blanks() {
	left := cell{}
	for x := 0; x < len(r); x++ {
		end := x
		for end < len(r) && r[end].text == " " && !r[end].reverse {
			end++
		}
		if end == len(r) || r[end].colour != left.colour || r[end].bold != left.bold {
			left = cell{}
		}
		for ; x < end; x++ {
			r[x].colour, r[x].bold = left.colour, left.bold
		}
		if x < len(r) {
			left = r[x]
		}
	}
}

// inOrder puts what was said of both hosts at the same time into one order, the proxy first.
func inOrder(p picture) picture {
	type block struct {
		host, words string
		rows        picture
	}
	var blocks []block
	for _, r := range p {
		right := inASCII.Replace(r[beside:].text())
		m := said.FindStringSubmatch(right)
		switch {
		case m != nil:
			blocks = append(blocks, block{m[1], strings.Replace(right, m[1], "", 1), picture{r}})
		case strings.HasPrefix(right, "|            ") && len(blocks) > 0 && blocks[len(blocks)-1].host != "":
			last := &blocks[len(blocks)-1]
			last.rows = append(last.rows, r)
		default:
			blocks = append(blocks, block{rows: picture{r}})
		}
	}
	var out picture
	for i, b := range blocks {
		if i > 0 && b.host == "proxy" && blocks[i-1].host == "mail" && b.words[:30] == blocks[i-1].words[:30] {
			blocks[i-1], blocks[i] = b, blocks[i-1]
		}
	}
	for _, b := range blocks {
		out = append(out, b.rows...)
	}
	for y := range out { // what stands at the left stays where it was
		out[y] = append(p[y][:beside:beside], out[y][beside:]...)
	}
	return out
}

// beside is how many columns stand at the left of a page.
const beside = 21

// said begins something that was said of a host, in a page's list of what was said.
var said = regexp.MustCompile(`^\|   (?:\w+ +)?(proxy|mail): `)

func TestWhatIsSaidOfBothHostsIsPutInOrder(t *testing.T) {
	var p picture
	for _, text := range []string{
		" 1 Network    [ok]   | > guard",
		"  proxy  [ok] ssh    |   guard    mail: applied and guarded: the host takes it ",
		"  mail   [ok] ssh    |            back by itself                               ",
		"                     |   guard    proxy: applied and guarded: the host takes it",
		" at work 00:21       |   connect  mail: a new login works                      ",
		"                     |   connect  proxy: a new login works                     ",
		"                     |   prove    asking                                       ",
	} {
		var r row
		for _, letter := range text {
			r = append(r, cell{text: string(letter)})
		}
		p = append(p, r)
	}
	want := ` 1 Network    [ok]   | > guard
  proxy  [ok] ssh    |   guard    proxy: applied and guarded: the host takes it
  mail   [ok] ssh    |   guard    mail: applied and guarded: the host takes it
                     |            back by itself
 at work 00:21       |   connect  proxy: a new login works
                     |   connect  mail: a new login works
                     |   prove    asking
`
	if got := inOrder(p).text(); got != want {
		t.Errorf("got\n%s", got)
	}
}

// palette is how a terminal shows its own colours, and 1 to 6.
type palette struct {
	ground, border string
	ink            [7]string
}

var (
	light = palette{"#ffffff", "#d0d7de", [7]string{"#1f2328", "#b3121d", "#176329", "#7a5200", "#0550ae", "#6639ba", "#0b626e"}}
	dark  = palette{"#0d1117", "#30363d", [7]string{"#e6edf3", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd"}}
)

// Sizes of a cell and of the margin, in pixels.
const (
	wide, high = 8.4, 18.0
	margin     = 12.0
)

// svg draws a screen: each row is one text, so that it can be searched and copied.
func (p picture) svg(title string, in palette) string {
	var b strings.Builder
	width, height := 2*margin+wide*float64(len(p[0])), 2*margin+high*float64(len(p))
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 %g %g" width="%[1]g" height="%[2]g" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">`+"\n", width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(title))
	fmt.Fprintf(&b, `<rect x="0.5" y="0.5" width="%g" height="%g" rx="6" fill="%s" stroke="%s"/>`+"\n", width-1, height-1, in.ground, in.border)
	for y, r := range p {
		top := margin + high*float64(y)
		var line strings.Builder
		for x := 0; x < len(r); {
			end := x + 1
			for end < len(r) && r[end].alike(r[x]) {
				end++
			}
			at, long := margin+wide*float64(x), wide*float64(end-x)
			ink, weight := in.ink[r[x].colour], ""
			if r[x].reverse {
				fmt.Fprintf(&b, `<rect x="%.5g" y="%.5g" width="%.5g" height="%.5g" fill="%s"/>`+"\n", at, top, long, high, ink)
				ink = in.ground
			}
			if r[x].bold {
				weight = ` font-weight="bold"`
			}
			fmt.Fprintf(&line, `<tspan x="%.5g" textLength="%.5g" fill="%s"%s>%s</tspan>`, at, long, ink, weight, html.EscapeString(r[x:end].text()))
			x = end
		}
		if strings.TrimSpace(r.text()) != "" {
			fmt.Fprintf(&b, `<text xml:space="preserve" y="%.5g">%s</text>`+"\n", top+13.5, line.String())
		}
	}
	return b.String() + "</svg>\n"
}

// alike says whether two cells look the same but for their letters.
func (c cell) alike(d cell) bool {
	return c.colour == d.colour && c.bold == d.bold && c.reverse == d.reverse
}

// Every colour can be read on its ground, and reversed (WCAG 2.2, 1.4.3: 4.5 to 1).
func TestPalettesCanBeRead(t *testing.T) {
	for name, in := range map[string]palette{"light": light, "dark": dark} {
		for i, ink := range in.ink {
			a, b := luminance(ink), luminance(in.ground)
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s: colour %d has a contrast of %.1f to 1", name, i, ratio)
			}
		}
	}
}

// luminance is that of a colour written as #rrggbb (WCAG 2.2, relative luminance).
func luminance(colour string) float64 {
	var rgb [3]int
	if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		panic(err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(rgb[i]) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

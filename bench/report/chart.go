package report

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// A chart has a dot with its confidence interval for each series in each
// category; a smaller value is better in all of them.
type chart struct {
	unit       string  // of the axis, in words
	scale      float64 // by which values are multiplied
	log        bool
	categories []string
	series     []series
	limit      float64 // a line to compare with; 0: none
	limitName  string
}

type series struct {
	name   string
	points map[string]measured // by category
}

// A style tells a series apart by colour and by shape. The colours are those of
// Okabe and Ito, which people with any common colour blindness can tell apart.
type style struct {
	color  color.RGBA
	glyph  draw.GlyphDrawer
	symbol string // the same shape in the page's legend
}

// strokes is a plus, or a cross if diagonal, with lines that can be seen.
type strokes struct{ diagonal bool }

func (g strokes) DrawGlyph(c *draw.Canvas, st draw.GlyphStyle, at vg.Point) {
	c.SetLineStyle(draw.LineStyle{Color: st.Color, Width: vg.Points(2.2)})
	r := st.Radius
	arms := [2]vg.Point{{X: r, Y: 0}, {X: 0, Y: r}}
	if g.diagonal {
		r *= 0.75
		arms = [2]vg.Point{{X: r, Y: r}, {X: r, Y: -r}}
	}
	for _, a := range arms {
		var p vg.Path
		p.Move(vg.Point{X: at.X - a.X, Y: at.Y - a.Y})
		p.Line(vg.Point{X: at.X + a.X, Y: at.Y + a.Y})
		c.Stroke(p)
	}
}

// outline is a hollow shape on white, so that bars do not run through it.
type outline struct{ shape draw.GlyphDrawer }

func (g outline) DrawGlyph(c *draw.Canvas, st draw.GlyphStyle, at vg.Point) {
	c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: st.Radius * 0.9, Shape: draw.CircleGlyph{}}, at)
	for _, r := range []vg.Length{1, 0.85, 0.7} { // its line is thin
		c.DrawGlyph(draw.GlyphStyle{Color: st.Color, Radius: st.Radius * r, Shape: g.shape}, at)
	}
}

// A polygon has its corners in radii of the glyph; hollow ones are on white.
type polygon struct {
	corners []vg.Point
	hollow  bool
}

func (g polygon) DrawGlyph(c *draw.Canvas, st draw.GlyphStyle, at vg.Point) {
	c.SetLineStyle(draw.LineStyle{Color: st.Color, Width: vg.Points(1.2)})
	var p vg.Path
	for i, corner := range g.corners {
		to := vg.Point{X: at.X + st.Radius*corner.X, Y: at.Y + st.Radius*corner.Y}
		if i == 0 {
			p.Move(to)
		} else {
			p.Line(to)
		}
	}
	p.Close()
	c.SetColor(st.Color)
	if g.hollow {
		c.SetColor(color.White)
	}
	c.Fill(p)
	if g.hollow {
		c.Stroke(p)
	}
}

var (
	onCorner = []vg.Point{{X: -1.2}, {Y: 1.2}, {X: 1.2}, {Y: -1.2}}
	onTip    = []vg.Point{{X: -1.1, Y: 0.8}, {X: 1.1, Y: 0.8}, {Y: -1.1}}
	toRight  = []vg.Point{{X: -0.8, Y: 1.1}, {X: -0.8, Y: -1.1}, {X: 1.1}}
)

// star is a plus and a cross.
type star struct{}

func (star) DrawGlyph(c *draw.Canvas, st draw.GlyphStyle, at vg.Point) {
	strokes{}.DrawGlyph(c, st, at)
	strokes{diagonal: true}.DrawGlyph(c, st, at)
}

// inside is a hollow shape with a dot.
type inside struct{ shape draw.GlyphDrawer }

func (g inside) DrawGlyph(c *draw.Canvas, st draw.GlyphStyle, at vg.Point) {
	outline(g).DrawGlyph(c, st, at)
	c.DrawGlyph(draw.GlyphStyle{Color: st.Color, Radius: st.Radius * 0.35, Shape: draw.CircleGlyph{}}, at)
}

// bar is an upright stroke.
type bar struct{}

func (bar) DrawGlyph(c *draw.Canvas, st draw.GlyphStyle, at vg.Point) {
	c.SetLineStyle(draw.LineStyle{Color: st.Color, Width: vg.Points(2.5)})
	var p vg.Path
	p.Move(vg.Point{X: at.X, Y: at.Y - st.Radius})
	p.Line(vg.Point{X: at.X, Y: at.Y + st.Radius})
	c.Stroke(p)
}

// The colours of Okabe and Ito, one a library.
var (
	blue   = color.RGBA{0, 114, 178, 255}
	orange = color.RGBA{213, 94, 0, 255}
	green  = color.RGBA{0, 158, 115, 255}
	pink   = color.RGBA{204, 121, 167, 255}
	sky    = color.RGBA{86, 180, 233, 255}
	grey   = color.RGBA{90, 90, 90, 255}
	amber  = color.RGBA{230, 159, 0, 255}
	black  = color.RGBA{0, 0, 0, 255}
)

// The shapes of series that may stand in one chart differ, whatever the colour
// (TestShapesDiffer).
var styles = map[string]style{
	"core":               {blue, draw.CircleGlyph{}, "●"},
	"core readme":        {blue, outline{draw.RingGlyph{}}, "○"},
	"core_purego":        {blue, outline{draw.RingGlyph{}}, "○"},
	"core answer":        {blue, inside{draw.RingGlyph{}}, "◉"},
	"core conn":          {blue, inside{draw.RingGlyph{}}, "◉"},
	"core_purego conn":   {blue, outline{draw.RingGlyph{}}, "○"},
	"gobwas":             {orange, draw.BoxGlyph{}, "■"},
	"gobwas flush":       {orange, inside{draw.SquareGlyph{}}, "▣"},
	"gobwas conn":        {orange, inside{draw.SquareGlyph{}}, "▣"},
	"gobwas zerocopy":    {orange, inside{draw.SquareGlyph{}}, "▣"},
	"gobwas listener":    {orange, bar{}, "❘"},
	"gobwas readme":      {orange, outline{draw.SquareGlyph{}}, "□"},
	"gobwas_purego":      {orange, outline{draw.SquareGlyph{}}, "□"},
	"gobwas_purego conn": {orange, outline{draw.SquareGlyph{}}, "□"},
	"gorilla":            {green, draw.PyramidGlyph{}, "▲"},
	"gorilla readme":     {green, outline{draw.TriangleGlyph{}}, "△"},
	"coder":              {pink, polygon{corners: onCorner}, "◆"},
	"coder readme":       {pink, strokes{}, "+"},
	"gws":                {sky, strokes{diagonal: true}, "✕"},
	"gws readme":         {sky, star{}, "✳"},
	"tcp":                {grey, strokes{}, "+"},
	"old":                {grey, strokes{}, "+"},
	"new":                {blue, draw.CircleGlyph{}, "●"},

	"ReadFrame server 1KiB":   {blue, draw.CircleGlyph{}, "●"},
	"WriteFrame client 16KiB": {orange, draw.BoxGlyph{}, "■"},
	"ReadMessage 64 16KiB":    {green, draw.PyramidGlyph{}, "▲"},
	"Handshake parsed":        {pink, polygon{corners: onCorner}, "◆"},
	"Echo 64×64 8B":           {sky, strokes{diagonal: true}, "✕"},
}

// spare are the styles of the libraries that have none of their own above, in the
// order of the table of engines: as they are, and as their README shows them.
var spare = [][2]style{
	{{amber, polygon{corners: onTip}, "▼"}, {amber, polygon{corners: onTip, hollow: true}, "▽"}},
	{{black, polygon{corners: toRight}, "▶"}, {black, polygon{corners: toRight, hollow: true}, "▷"}},
}

// withoutStyle are the libraries that have a spare one.
func withoutStyle() []string {
	return slices.DeleteFunc(engines.Names(), func(name string) bool { _, ok := styles[name]; return ok })
}

// findStyle returns the style of a series that has one.
func findStyle(name string) (style, bool) {
	if s, ok := styles[name]; ok {
		return s, true
	}
	lib, api, _ := strings.Cut(name, " ")
	if i := slices.Index(withoutStyle(), lib); i >= 0 && i < len(spare) {
		switch api {
		case "":
			return spare[i][0], true
		case "readme":
			return spare[i][1], true
		}
	}
	return style{}, false
}

// styleOf gives other series a grey of their own.
func styleOf(name string) style {
	if s, ok := findStyle(name); ok {
		return s
	}
	return style{grey, outline{draw.RingGlyph{}}, "○"}
}

// order is how series stand in legends and tables.
var order = []string{
	"old", "new",
	"core", "core conn", "core answer", "core_purego", "core_purego conn", "core readme", "tcp",
	"gobwas", "gobwas conn", "gobwas flush", "gobwas zerocopy", "gobwas listener", "gobwas_purego", "gobwas_purego conn", "gobwas readme",
	"gws", "gws readme", "gorilla", "gorilla readme", "coder", "coder readme",
}

func (c *chart) sort() {
	rank := func(s series) int {
		if i := slices.Index(order, s.name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(c.series, func(a, b series) int { return rank(a) - rank(b) })
}

// intervals are error bars along the x axis.
type intervals struct {
	plotter.XYs
	plotter.XErrors
}

// svg draws the chart for a page of the given width, in points.
func (c *chart) svg(width float64) (template.HTML, error) {
	p := plot.New()
	small := vg.Points(11) // a phone shows a point as about a pixel
	if width > 500 {
		small = vg.Points(10)
	}
	sans := font.Font{Typeface: "Liberation", Variant: "Sans", Size: small}
	p.X.Label.Text = c.unit
	for _, f := range []*font.Font{&p.X.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font} {
		*f = sans
	}
	p.Y.LineStyle.Width = 0
	p.Y.Tick.LineStyle.Width = 0
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	grid.Vertical.Color = color.Gray{225}
	p.Add(grid)

	for j := 1; j < len(c.categories); j++ {
		rule := plotter.NewFunction(func(float64) float64 { return -float64(j*(len(c.series)+1)) + 1 })
		rule.Color, rule.Samples = color.Gray{200}, 2
		p.Add(rule)
	}
	lo, hi := math.Inf(1), 0.0
	rows := len(c.series) + 1 // a row a series, and one between categories
	at := func(category, s int) float64 { return -float64(category*rows + s) }
	for i, s := range c.series {
		var xy intervals
		for j, category := range c.categories {
			m, ok := s.points[category]
			if !ok {
				continue
			}
			x, low, high := m.Center*c.scale, m.Lo*c.scale, m.Hi*c.scale
			if !m.known() {
				low, high = x, x
			}
			if c.log && (x <= 0 || low <= 0) {
				continue
			}
			lo, hi = min(lo, low), max(hi, high)
			xy.XYs = append(xy.XYs, plotter.XY{X: x, Y: at(j, i)})
			xy.XErrors = append(xy.XErrors, struct{ Low, High float64 }{x - low, high - x})
		}
		if len(xy.XYs) == 0 {
			continue
		}
		st := styleOf(s.name)
		bars, err := plotter.NewXErrorBars(xy)
		if err != nil {
			return "", err
		}
		bars.Color, bars.Width, bars.CapWidth = st.color, vg.Points(1.2), vg.Points(4)
		dots, err := plotter.NewScatter(xy.XYs)
		if err != nil {
			return "", err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: st.color, Radius: vg.Points(3.5), Shape: st.glyph}
		p.Add(bars, dots)
	}
	if hi == 0 {
		return "", fmt.Errorf("report: a chart of %q has nothing to show", c.unit)
	}
	if c.limit > 0 {
		lo, hi = min(lo, c.limit), max(hi, c.limit)
		line, err := plotter.NewLine(plotter.XYs{{X: c.limit, Y: 0.7}, {X: c.limit, Y: at(len(c.categories)-1, len(c.series)) + 0.3}})
		if err != nil {
			return "", err
		}
		line.Color, line.Width, line.Dashes = color.Gray{80}, vg.Points(1), []vg.Length{vg.Points(4), vg.Points(3)}
		p.Add(line)
	}
	var labels []plot.Tick
	for j, category := range c.categories {
		labels = append(labels, plot.Tick{Value: at(j, 0) - float64(len(c.series)-1)/2, Label: category})
	}
	p.Y.Tick.Marker = plot.ConstantTicks(labels)
	p.Y.Min, p.Y.Max = at(len(c.categories)-1, len(c.series))+0.3, 0.7
	if c.log {
		p.X.Scale = plot.LogScale{}
		p.X.Min, p.X.Max = lo/1.25, hi*1.25
		p.X.Tick.Marker = logTicks{wide: width > 500}
	} else {
		p.X.Min, p.X.Max = 0, hi*1.08
	}
	height := 45 + float64(len(c.categories)*rows)*9
	canvas := vgsvg.NewWith(vgsvg.UseWH(vg.Points(width), vg.Points(height)))
	p.Draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", err
	}
	return fit(b.String(), "Chart: "+c.unit+"; its numbers are in the table below"), nil
}

var (
	prolog = regexp.MustCompile(`(?s)^.*?(<svg)`)
	size   = regexp.MustCompile(`width="[\d.]+pt" height="[\d.]+pt"`)
)

// fit lets the page scale the drawing and names it for those who do not see it.
func fit(svg, name string) template.HTML {
	svg = prolog.ReplaceAllString(svg, "$1")
	svg = size.ReplaceAllString(svg, `role="img" aria-label="`+template.HTMLEscapeString(name)+`" preserveAspectRatio="xMinYMin meet"`)
	return template.HTML(svg) //nolint:gosec // drawn here, its texts are escaped by vgsvg
}

// logTicks are at 1, 2 and 5 times the powers of ten where there is room.
type logTicks struct{ wide bool }

func (t logTicks) Ticks(lo, hi float64) []plot.Tick {
	var ticks []plot.Tick
	steps := []float64{1}
	decades := math.Log10(hi / lo)
	if decades < 1.5 || t.wide && decades < 3 {
		steps = []float64{1, 2, 5}
	}
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		for _, m := range steps {
			if v := m * math.Pow(10, e); v >= lo && v <= hi {
				ticks = append(ticks, plot.Tick{Value: v, Label: short(v)})
			}
		}
	}
	return ticks
}

// short prints a number with at most three or four digits.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 3, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 3, 64) + "k"
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

package wizard

import tea "charm.land/bubbletea/v2"

// overviewPage shows all checks.
type overviewPage struct{ *shell }

func newOverview(w *shell) page { return overviewPage{w} }

func (p overviewPage) Update(tea.Msg) (page, tea.Cmd) { return p, nil }
func (p overviewPage) View(int, int) view             { return view{title: "all checks"} }

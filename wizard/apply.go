package wizard

import tea "charm.land/bubbletea/v2"

// applyPage shows what is being done.
type applyPage struct{ *shell }

func newApply(w *shell, j job) page { return applyPage{w} }

func (p applyPage) Update(tea.Msg) (page, tea.Cmd) { return p, nil }
func (p applyPage) View(int, int) view             { return view{title: "apply"} }

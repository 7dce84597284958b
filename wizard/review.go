package wizard

import tea "charm.land/bubbletea/v2"

// reviewPage shows what would be done.
type reviewPage struct{ *shell }

func newReview(w *shell, m proposalMsg) page { return reviewPage{w} }

func (p reviewPage) Update(tea.Msg) (page, tea.Cmd) { return p, nil }
func (p reviewPage) View(int, int) view             { return view{title: "review"} }

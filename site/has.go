package site

// Has says whether the file, as it was read or saved last, gives the answer of a key itself.
func (f *File) Has(key string) bool {
	field, err := FieldOf(f.Site, key)
	if err != nil || !f.saved {
		return false
	}
	if f.memory {
		return f.given[field.Key]
	}
	l, err := scan(f.text)
	return err == nil && l.find(field.parts()) != nil
}

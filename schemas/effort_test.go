package schemas_test

import (
	"errors"
	"testing"
	"time"

	"selfstream/schemas"
)

func TestEffort(t *testing.T) {
	e := schemas.Effort{Waiting: 72 * time.Hour, Fetching: 1500 * time.Millisecond, Rendering: time.Microsecond}
	text := e.String()
	if want := "259200.000000 1.500000 0.000001 0.000000"; text != want {
		t.Errorf("have %q, want %q", text, want)
	}
	if again, err := schemas.ParseEffort(text); err != nil || again != e {
		t.Errorf("have %v, %v; want %v", again, err, e)
	}
	if have := e.Add(e).Since(e); have != e {
		t.Errorf("have %v, want %v", have, e)
	}
	if e.Busy() != 1500001*time.Microsecond || e.Sum() != e.Busy()+72*time.Hour {
		t.Errorf("have %v and %v", e.Busy(), e.Sum())
	}
	for _, bad := range []string{"", "1", "1 2 3", "1 2 3 4 5", "1 2 3 -4", "1 2 3 NaN", "1 2 3 +Inf", "1 2 3 1e300", "1 2 3 four", "1 2 3 4m"} {
		if e, err := schemas.ParseEffort(bad); !errors.Is(err, schemas.ErrInvalid) {
			t.Errorf("%q: have %v and %v, want ErrInvalid", bad, e, err)
		}
	}
}

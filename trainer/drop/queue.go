package drop

import (
	"context"

	"selfstream/schemas"
	"selfstream/stages/flow"
)

// OnFlow is the queue that trainers take requests from.
type OnFlow struct{ *flow.Flow }

func (q OnFlow) Ask(ctx context.Context, r schemas.RunRequest) error { return q.Publish(ctx, &r) }

func (q OnFlow) Asked(ctx context.Context) ([]string, error) {
	all, err := q.Stored(ctx, schemas.RunRequest{}.Subject())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range all {
		if r, err := flow.Decode[schemas.RunRequest](d); err == nil { // what is none is dropped by who takes it
			names = append(names, r.Run)
		}
	}
	return names, nil
}

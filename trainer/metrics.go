package trainer

import (
	"github.com/prometheus/client_golang/prometheus"

	"selfstream/stages/watch"
)

// Metrics are the counts for Prometheus, once there is a run.
func (s *Stats) Metrics() prometheus.Collector {
	return watch.Figures(figures, []string{"run"}, func(tell func(Counts, ...string)) {
		if c := s.Read(); c.Run != "" {
			tell(c, c.Run)
		}
	})
}

var figures = []watch.Figure[Counts]{
	{Name: "selfstream_trainer_step", Help: "Steps that the run has made, in all its starts.", Value: func(c Counts) float64 { return float64(c.Step) }},
	{Name: "selfstream_trainer_epoch", Help: "Passes over the images, in all its starts.", Value: func(c Counts) float64 { return c.Epoch }},
	{Name: "selfstream_trainer_loss", Help: "Loss of the last step.", Value: func(c Counts) float64 { return c.Loss }},
	{Name: "selfstream_trainer_steps_total", Help: "Steps made.", Value: func(c Counts) float64 { return float64(c.Steps) }},
	{Name: "selfstream_trainer_images_total", Help: "Images trained on.", Value: func(c Counts) float64 { return float64(c.Images) }},
	{Name: "selfstream_trainer_waiting_seconds_total", Help: "Time spent waiting for samples.", Value: func(c Counts) float64 { return c.Waiting.Seconds() }},
	{Name: "selfstream_trainer_stepping_seconds_total", Help: "Time spent making steps.", Value: func(c Counts) float64 { return c.Stepping.Seconds() }},
	{Name: "selfstream_trainer_snapshotting_seconds_total", Help: "Time spent writing snapshots.", Value: func(c Counts) float64 { return c.Snapshotting.Seconds() }},
	{Name: "selfstream_trainer_received_images_total", Help: "Images that augmenters have sent, repeats included.", Value: func(c Counts) float64 { return float64(c.Received) }},
	{Name: "selfstream_trainer_received_busy_seconds_total", Help: "Time that they kept workers of augmenters busy.", Value: func(c Counts) float64 { return c.Effort.Busy().Seconds() }},
	{Name: "selfstream_trainer_splits_out", Help: "Splits issued and not yet trained on.", Value: func(c Counts) float64 { return float64(c.Feed.SplitsOut) }},
	{Name: "selfstream_trainer_buffered_bytes", Help: "Samples that wait for their turn.", Value: func(c Counts) float64 { return float64(c.Feed.BufferedBytes) }},
	{Name: "selfstream_trainer_credit_bytes", Help: "Samples that may be on their way or waiting.", Value: func(c Counts) float64 { return float64(c.Credit) }},
	{Name: "selfstream_trainer_reissued_splits_total", Help: "Splits issued again because they were overdue.", Value: func(c Counts) float64 { return float64(c.Feed.Reissued) }},
	{Name: "selfstream_trainer_refused_samples_total", Help: "Messages refused, such as those of another build.", Value: func(c Counts) float64 { return float64(c.Feed.Refused) }},
	{Name: "selfstream_trainer_holes", Help: "Distinct images of the run that could not be used.", Value: func(c Counts) float64 { return float64(c.Holes) }},
	{Name: "selfstream_trainer_augmenter_workers_wanted", Help: "Workers of augmenters that would keep the trainer busy; 0 until known, and between runs.", Value: func(c Counts) float64 { return c.AugmentersWanted }},
}

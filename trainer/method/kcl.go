package method

import (
	"flag"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// KCL is k-positive contrastive learning: SupCon, in which a view has to find
// its partner and at most k views of its class. So classes of many images pull
// no harder than those of few, and the feature space stays balanced.
//
// Kang et al., 2021, "Exploring Balanced Feature Spaces for Representation
// Learning", https://openreview.net/forum?id=OqtLIabPTit, section 4: the mean over
// the partner and k positives of the cross entropy of finding them among all
// others. As in the authors' program, other views of the class that are not
// chosen stay among those that it is told from, and a class of fewer has fewer
// positives. There, other images come from a queue that a momentum encoder fills
// (MoCo), and the first in the queue are chosen; here, they come from the batch,
// and the next after the view are chosen, round the batch. Its order is random.
//
// recipe=paper is the training of the authors' program, on ImageNet-LT, with
// SimCLR's distortions.
type KCL struct {
	contrastive
	Positives int // k
}

func newKCL(s *flag.FlagSet) Method {
	m := &KCL{}
	s.IntVar(&m.Positives, "positives", 6, "views of the same class that a view has to find besides its partner, at most; 0 is SimCLR")
	m.bind(s, 0.1, published(publishedSymmetric, "temperature", "0.07"))
	return m
}

// Name implements Method.
func (m *KCL) Name() string { return "kcl" }

// Validate implements Method.
func (m *KCL) Validate() error {
	if m.Positives < 0 {
		return fmt.Errorf("positives: have %d, want at least 0", m.Positives)
	}
	return m.contrastive.Validate()
}

// Training implements Method.
func (m *KCL) Training() Training {
	t := smallTraining()
	if m.from.paper {
		t = Training{
			Encoder: "resnet50", ImageSize: 224, Epochs: 200, Batch: 256,
			Optimizer: "sgd", LearningRate: 0.1, BaseBatch: 256, WeightDecay: 5e-4,
		}
	}
	t.WholeBatch, t.Labels = eachFromAll, true
	return t
}

// Loss implements Method.
func (m *KCL) Loss(net Net, b Batch) Result {
	return m.byClass(net, b, func(mates *Node) *Node { return kPositives(mates, m.Positives) })
}

// kPositives are, of the classmates of each row, bool [2N, 2N], its partner and
// the k of the others that come first after it, round the batch.
func kPositives(mates *Node, k int) *Node {
	row, column, partner := places(mates, 0), places(mates, 1), partners(mates)
	others := LogicalAnd(mates, LogicalNot(partner))
	counted := ConvertDType(others, dtypes.Float32)
	// How many others lie in columns up to this one, up to the row's own, and in
	// all columns; float32 counts exactly as far as any batch goes.
	upTo := MatMul(counted, ConvertDType(LessOrEqual(row, column), dtypes.Float32))
	own := ReduceAndKeep(Where(itself(mates), upTo, ZerosLike(upTo)), ReduceSum, 1)
	all := ReduceAndKeep(counted, ReduceSum, 1)
	rank := Sub(upTo, own)                                       // from 1, of those after the row
	rank = Where(GreaterThan(column, row), rank, Add(rank, all)) // and of those before it, behind them
	return LogicalOr(partner, LogicalAnd(others, LessOrEqual(rank, ConstAs(rank, k))))
}

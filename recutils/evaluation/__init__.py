"""How good is a list of films? Top-k and the metrics of retrieval and ranking."""

from recutils.evaluation._catalogue import coverage, mean_popularity
from recutils.evaluation._index import index_recall
from recutils.evaluation._ndcg import ndcg
from recutils.evaluation._retrieval import precision_recall_at_k, retrieval_metrics
from recutils.evaluation._top_k import Pairs, positions, top_k, top_k_scores

__all__ = [
    "Pairs",
    "coverage",
    "index_recall",
    "mean_popularity",
    "ndcg",
    "positions",
    "precision_recall_at_k",
    "retrieval_metrics",
    "top_k",
    "top_k_scores",
]

"""What PyTorch's contenders do with a batch of texts, and with gradients some of which are sparse."""

from __future__ import annotations

from typing import Any

import torch


def tensors(batch: Any) -> tuple[Any, Any]:
    """Ids and lengths."""
    ids = torch.from_numpy(batch.ids)
    return ids, torch.full(ids.shape[1:], len(ids)) if batch.lengths is None else torch.from_numpy(batch.lengths)


def clip(table: Any, dense: list[Any], norm: float) -> None:
    """Clip all gradients to a global norm; that of a table, if there is one, is sparse."""
    if table is None:
        torch.nn.utils.clip_grad_norm_(dense, norm)
        return
    table.grad = table.grad.coalesce()
    gradients = [table.grad.values(), *(each.grad for each in dense)]
    total = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(each) for each in gradients]))
    torch._foreach_mul_(gradients, (norm / (total + 1e-6)).clamp(max=1.0))

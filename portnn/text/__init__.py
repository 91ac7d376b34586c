"""From bytes to ids and back: encodings, tokenizers, vocabularies, corpora."""

from portnn.text.corpus import Corpus, read_corpus
from portnn.text.counting import count_tokens
from portnn.text.decoding import StreamDecoder
from portnn.text.encodings import decode_chunks, read_bytes, read_text
from portnn.text.tokenizers import LEVELS, Tokenizer, tokenizer
from portnn.text.vocabulary import UNKNOWN, Vocabulary

__all__ = [
    "LEVELS",
    "UNKNOWN",
    "Corpus",
    "StreamDecoder",
    "Tokenizer",
    "Vocabulary",
    "count_tokens",
    "decode_chunks",
    "read_bytes",
    "read_corpus",
    "read_text",
    "tokenizer",
]

"""Text to ids and back: encodings, tokenizers, vocabularies, corpora."""

from portnn.text.corpus import Corpus, read_corpus
from portnn.text.counting import count_tokens
from portnn.text.decoding import StreamDecoder
from portnn.text.dividing import files_of
from portnn.text.encoded_texts import EncodedTexts, encode_texts
from portnn.text.encodings import decode_chunks, read_bytes, read_text
from portnn.text.given_sentences import SentencesLike, as_sentences
from portnn.text.phrases import Phrases
from portnn.text.sentences import MAX_SENTENCE, Sentences, SentenceStream
from portnn.text.token_levels import TEXT_LEVELS, text_tokens
from portnn.text.tokenizers import LEVELS, Tokenizer, tokenizer
from portnn.text.vocabulary import UNKNOWN, Vocabulary
from portnn.text.word_ids import WordIds, encode_words
from portnn.text.word_vocabulary import WordCounts, WordVocabulary, count_words

__all__ = [
    "LEVELS",
    "MAX_SENTENCE",
    "TEXT_LEVELS",
    "UNKNOWN",
    "Corpus",
    "EncodedTexts",
    "Phrases",
    "SentenceStream",
    "Sentences",
    "SentencesLike",
    "StreamDecoder",
    "Tokenizer",
    "Vocabulary",
    "WordCounts",
    "WordIds",
    "WordVocabulary",
    "as_sentences",
    "count_tokens",
    "count_words",
    "decode_chunks",
    "encode_texts",
    "encode_words",
    "files_of",
    "read_bytes",
    "read_corpus",
    "read_text",
    "text_tokens",
    "tokenizer",
]

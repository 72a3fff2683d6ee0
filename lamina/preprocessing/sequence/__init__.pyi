from .names import pad_sequences as pad_sequences

"""From files to examples, by modality: text, tables, audio, pictures, video."""

"""The main job on real purchases: a coalition, its members' phones, tokens and a clearing, checked to the point."""
